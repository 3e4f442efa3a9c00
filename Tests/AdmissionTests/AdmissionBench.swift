import Admission
import Contracts
import Logging
import Redis
import TestKit

/// A desk on a real Redis, in a namespace of its own, with short times where a test waits for them.
struct AdmissionBench {
  let desk: AdmissionDesk
  let redis: RedisClient
  let keys: AdmissionKeys
  let url: String
  /// Nil on a server whose clock goes.
  let clock: StillRedis?

  private init(leaseLength: Duration, attempts: Int, bays: Int, url: String, clock: StillRedis?) throws {
    self.url = url
    self.clock = clock
    redis = RedisClient(try RedisConfiguration(url: url), logger: Logger(label: "test"))
    keys = AdmissionKeys(namespace: Namespace.unique())
    var configuration = AdmissionConfiguration()
    configuration.leaseLength = leaseLength
    configuration.attemptBudget = attempts
    configuration.bays = bays
    desk = AdmissionDesk(redis: redis, keys: keys, configuration: configuration)
  }

  /// A fleet that never ran before, so that grants begin at once.
  static func opened(leaseLength: Duration = .seconds(30), attempts: Int = 5) async throws -> AdmissionBench {
    let url = try await LiveRedis.shared().url
    let bench = try AdmissionBench(leaseLength: leaseLength, attempts: attempts, bays: 256, url: url, clock: nil)
    try await bench.desk.openEpoch()
    return bench
  }

  /// Likewise, on a server whose clock the test moves.
  /// - Parameter start: microseconds since 1970; by default noon of 2026-11-21.
  static func still(at start: Int64? = nil, attempts: Int = 5, bays: Int = 256) async throws -> AdmissionBench {
    let server = try await StillRedis.shared()
    try server.set(try start ?? instant("2026-11-21T12:00:00Z"))
    let bench = try AdmissionBench(
      leaseLength: .seconds(30), attempts: attempts, bays: bays, url: server.url, clock: server)
    try await bench.desk.openEpoch()
    return bench
  }

  /// Another one beside it, on the same server or on another, with no epoch yet.
  func another(on server: StillRedis? = nil) throws -> AdmissionBench {
    try AdmissionBench(
      leaseLength: .seconds(30), attempts: 5, bays: 256, url: server?.url ?? url, clock: server ?? clock)
  }

  func pass(_ time: Duration) throws {
    guard let clock else { throw WithoutClock() }
    try clock.pass(time)
  }

  /// By the still clock.
  var now: Int64 { clock?.milliseconds ?? 0 }

  func job(
    _ id: String, user: String = "ana", task: String = "echo", payload: String = "{}", after: [String] = []
  ) throws -> Job {
    let parents = after.map { #""\#($0)""# }.joined(separator: ",")
    let body =
      #"{"id":"\#(id)","userId":"\#(user)","taskType":"\#(task)","payload":\#(payload),"after":[\#(parents)]}"#
    guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw NotAJob() }
    return job
  }

  func request(
    _ job: Job, lease: String, limit: Int = 2, lane: Lane = .standard, replays: String? = nil, copy: Int = 0,
    claim: Claim? = nil, limits: AdmissionLimits = AdmissionLimits(), worst: Spending? = nil, stamp: String = "policy"
  ) -> AdmissionRequest {
    AdmissionRequest(
      job: job, lane: lane, limit: limit, leaseID: lease, runStamp: "run-\(lease)", intent: Array("intent".utf8),
      replays: replays, copy: copy, claim: claim, limits: limits, worst: worst, stamp: stamp)
  }

  func admit(
    _ job: Job, lease: String, limit: Int = 2, lane: Lane = .standard, replays: String? = nil, copy: Int = 0,
    claim: Claim? = nil, limits: AdmissionLimits = AdmissionLimits(), worst: Spending? = nil, stamp: String = "policy"
  ) async throws -> AdmissionReply {
    try await desk.admit([
      request(
        job, lease: lease, limit: limit, lane: lane, replays: replays, copy: copy, claim: claim, limits: limits,
        worst: worst, stamp: stamp)
    ])[0]
  }

  func finish(
    _ job: Job, lease: String?, run: String, attempt: Int = 1, cost: String? = "cost", spent: Spending? = nil,
    month: String? = nil
  ) async throws -> FinishReply {
    try await desk.finish([
      Finish(
        job: job, leaseID: lease, run: run, status: .succeeded, result: Array("result".utf8),
        output: Array("output".utf8), attempt: attempt,
        costs: cost.map { [AttemptCost(attempt: attempt, event: Array($0.utf8), spent: spent)] } ?? [], month: month)
    ])[0]
  }

  func advance(
    _ lease: HeldLease, event: [UInt8]?, spent: Spending? = nil, nextIntent: [UInt8] = [9], worst: Spending? = nil,
    limits: AdmissionLimits = AdmissionLimits()
  ) async throws -> AdvanceReply {
    try await desk.advance(
      lease, ended: event.map { AttemptCost(attempt: lease.attempt, event: $0, spent: spent) }, nextIntent: nextIntent,
      worst: worst, limits: limits)
  }

  func declareUnknown(
    _ job: Job, run: String, attempt: Int = 1, event: [UInt8], spent: Spending? = nil
  ) async throws -> Bool {
    try await desk.declareUnknown(job, run: run, AttemptCost(attempt: attempt, event: event, spent: spent))
  }

  func held(
    _ job: Job, lease: String, run: String, attempt: Int = 1, month: String = "2026-11", worst: Spending? = nil
  ) -> HeldLease {
    HeldLease(
      job: job, leaseID: lease, run: run, attempt: attempt, intent: Array("intent".utf8), month: month, worst: worst)
  }

  /// Leases that the user holds, expired ones included.
  func leases(of user: String = "ana") async throws -> Int64? {
    try await redis.command(RedisCommand("ZCARD").arg(keys.leases(Identifier.base64url(user)))).int
  }

  /// Takes all keys away, as a loss of Redis would.
  func wipe() async throws {
    let names = try await redis.command(RedisCommand("KEYS").arg(keys.prefix + "*")).array ?? []
    for name in names { _ = try await redis.command(RedisCommand("DEL").arg(name.bytes ?? [])) }
  }

  /// Ends the user's leases as if their time had come.
  func expireLeases(of user: String = "ana") async throws {
    let key = keys.leases(Identifier.base64url(user))
    let members = try await redis.command(RedisCommand("ZRANGE").arg(key).arg(0).arg(-1)).array ?? []
    for member in members {
      _ = try await redis.command(RedisCommand("ZADD").arg(key).arg(1).arg(member.bytes ?? []))
    }
  }
}

extension AdmissionReply {
  var isAdmitted: Bool { if case .admitted = self { true } else { false } }
  var place: WaitPlace? { if case .wait(let place) = self { place } else { nil } }
}

/// Microseconds since 1970 of an RFC 3339 time.
func instant(_ text: String) throws -> Int64 {
  guard let time = Timestamp(text) else { throw NotATime() }
  return time.milliseconds * 1000
}

private struct NotAJob: Error {}
private struct NotATime: Error {}
private struct WithoutClock: Error {}
