import Admission
import Contracts
import Redis
import Testing

// Waiting rooms. The tests play the broker: they know what lies in a bay.

extension AdmissionBench {
  /// A job that must wait goes into the bay of its user and is confirmed there.
  @discardableResult func park(
    _ id: String, user: String = "ana", limit: Int = 1, lane: Lane = .standard, worker: String = "w1"
  ) async throws -> ParkedCopy {
    let job = try job(id, user: user)
    let reply = try await admit(job, lease: "\(worker).park-\(id)", limit: limit, lane: lane)
    guard case .bay(let bay, let generation, let copy, _) = reply.place?.kind else { throw NotParked(reply: reply) }
    let parked = ParkedCopy(job: job, lane: lane, bay: bay, generation: generation, copy: copy)
    guard try await desk.commit([parked]) == [true] else { throw NotParked(reply: reply) }
    return parked
  }

  /// The claims that a worker gets for a lane.
  func claims(
    _ count: Int = 1, lane: Lane = .standard, worker: String = "w1", number: UInt64 = 1, stamp: String = "policy"
  ) async throws -> [Claim] {
    try await desk.claim([lane: count], worker: worker, number: number, stamp: stamp).claims
  }

  /// The head of a bay asks with the claim that brought it.
  /// - Parameter remaining: what the broker has left in the bay.
  func redeem(
    _ claim: Claim, _ id: String, user: String = "ana", remaining: Int, limit: Int = 1, copy: Int = 1,
    lane: Lane = .standard, limits: AdmissionLimits = AdmissionLimits(), worst: Spending? = nil,
    lease: String? = nil, stamp: String = "policy"
  ) async throws -> AdmissionReply {
    var claim = claim
    claim.remaining = remaining
    return try await admit(
      try job(id, user: user), lease: lease ?? head(claim, id), limit: limit, lane: lane, copy: copy, claim: claim,
      limits: limits, worst: worst, stamp: stamp)
  }

  /// The lease id of a head: its worker, a name, and the bay that it came from.
  func head(_ claim: Claim, _ id: String) -> String {
    "\(claim.id.prefix { $0 != "." }).\(id)#\(claim.bay)"
  }

  /// Milliseconds from now until the room is looked at; nil if it is in no index.
  func due(_ user: String = "ana", _ lane: Lane = .standard) async throws -> Int64? {
    let reply = try await redis.command(
      RedisCommand("ZSCORE").arg(keys.due(lane)).arg(Identifier.base64url(user)))
    return reply.int.map { $0 - now }
  }

  func room(_ field: String, user: String = "ana", _ lane: Lane = .standard) async throws -> String? {
    try await redis.command(
      RedisCommand("HGET").arg(keys.room(lane, Identifier.base64url(user))).arg(field)
    ).string
  }

  /// Ten seconds later somebody finds the bay empty.
  func lookOnce(number: UInt64 = 50) async throws {
    try pass(.seconds(10))
    let look = try #require(try await claims(number: number).first)
    #expect(try await desk.vacant([look]) == [false])
  }

  /// Twice in a row.
  func lookUntilFreed() async throws {
    try await lookOnce()
    try pass(.seconds(10))
    let look = try #require(try await claims(number: 60).first)
    #expect(try await desk.vacant([look]) == [true])
  }

  /// Bays that nobody has and that exist.
  func freeBays() async throws -> Int64? { try await redis.command(RedisCommand("SCARD").arg(keys.freeBays)).int }
}

struct NotParked: Error {
  var reply: AdmissionReply
}
