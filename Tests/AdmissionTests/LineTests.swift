import Admission
import Contracts
import Redis
import Testing

/// Who waits most, as the rooms have it.
@Suite struct LineTests {
  /// The longest lines as texts: `standard ana 2`.
  private func lines(_ bench: AdmissionBench, _ most: Int = 20) async throws -> [String] {
    try await bench.desk.longestLines(most).lines.map { "\($0.lane.rawValue) \($0.user) \($0.waiting)" }
  }

  private func set(_ field: String, _ value: String, in key: String, _ bench: AdmissionBench) async throws {
    _ = try await bench.redis.command(RedisCommand("HSET").arg(key).arg(field).arg(value))
  }

  @Test func `the longest line is named first, and no more than were asked for`() async throws {
    let bench = try await AdmissionBench.still()
    #expect(try await lines(bench) == [])
    for user in ["ana", "ben", "cleo"] {
      #expect(
        try await bench.admit(try bench.job("runs-\(user)", user: user), lease: "w1.\(user)", limit: 1).isAdmitted)
    }
    try await bench.park("b1", user: "ben")
    for id in ["a1", "a2", "a3"] { try await bench.park(id) }
    for id in ["c1", "c2"] { try await bench.park(id, user: "cleo", lane: .high) }
    #expect(try await lines(bench) == ["standard ana 3", "high cleo 2", "standard ben 1"])
    #expect(try await lines(bench, 2) == ["standard ana 3", "high cleo 2"])
  }

  @Test func `a line says why it waits, who runs, and when its first and its last start`() async throws {
    let bench = try await AdmissionBench.still()
    let running = try bench.job("runs")
    _ = try await bench.admit(running, lease: "w1.0", limit: 1)
    for id in ["a1", "a2", "a3", "a4"] { try await bench.park(id) }
    let early = try #require(try await bench.desk.longestLines(20).lines.first)
    #expect(early.untilFirst == nil && early.untilLast == nil, "no run has ended")
    try await set("dur", "25000", in: bench.keys.prefix + "user:\(Identifier.base64url("ana"))", bench)
    try await bench.desk.store(try Entitlement(decoding: Array(#"{"tier":"PRO"}"#.utf8)), of: "ana")
    let (found, at) = try await bench.desk.longestLines(20)
    let line = try #require(found.first)
    #expect(found.count == 1 && at.milliseconds == bench.now)
    #expect(line.reason == .concurrency && line.limit == 1 && line.active == 1 && line.waiting == 4)
    #expect(line.untilFirst == .seconds(25) && line.untilLast == .seconds(100))
    #expect(try Entitlement(decoding: line.entitlement ?? []).tier == "PRO")
  }

  @Test func `a line names a rate only while that is what keeps it longest`() async throws {
    let bench = try await AdmissionBench.still()
    let running = try bench.job("runs")
    _ = try await bench.admit(running, lease: "w1.0", limit: 1)
    try await bench.park("a1")
    let room = bench.keys.room(.standard, Identifier.base64url("ana"))
    func reason(why: String, closedFor milliseconds: Int64) async throws -> WaitReason? {
      try await set("why", why, in: room, bench)
      try await set("gate", "\(bench.now + milliseconds)", in: room, bench)
      return try #require(try await bench.desk.longestLines(1).lines.first).reason
    }
    #expect(try await reason(why: "rate", closedFor: 50) == .concurrency, "its slots are taken for longer")
    #expect(try await reason(why: "rate", closedFor: -1) == .concurrency, "that is over")
    #expect(try await reason(why: "rate", closedFor: 40_000) == .rate)
    #expect(try await reason(why: "money_reserved", closedFor: 50) == .moneyReserved)
    _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
    #expect(try await reason(why: "rate", closedFor: 40) == .rate)
    #expect(try await reason(why: "rate", closedFor: -1) == nil, "nothing stands against it")
  }

  @Test func `a line is as long as its room, until the room is given back`() async throws {
    let bench = try await AdmissionBench.still()
    let running = try bench.job("runs")
    _ = try await bench.admit(running, lease: "w1.0", limit: 1)
    for id in ["a", "b"] { try await bench.park(id) }
    #expect(try await lines(bench) == ["standard ana 2"])
    _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
    let first = try #require(try await bench.claims().first)
    #expect(try await bench.redeem(first, "a", remaining: 1).isAdmitted)
    #expect(try await lines(bench) == ["standard ana 1"])
    _ = try await bench.finish(try bench.job("a"), lease: bench.head(first, "a"), run: "run-\(bench.head(first, "a"))")
    let second = try #require(try await bench.claims(number: 2).first)
    #expect(try await bench.redeem(second, "b", remaining: 0).isAdmitted)
    #expect(try await lines(bench) == [])
    _ = try await bench.finish(
      try bench.job("b"), lease: bench.head(second, "b"), run: "run-\(bench.head(second, "b"))")
    try await bench.lookUntilFreed()
    let key = bench.keys.prefix + "lines:standard"
    #expect(try await bench.redis.command(RedisCommand("EXISTS").arg(key)).int == 0)
  }

  @Test func `a head in a worker's hand waits, too`() async throws {
    let bench = try await AdmissionBench.still()
    let running = try bench.job("runs")
    _ = try await bench.admit(running, lease: "w1.0", limit: 1)
    try await bench.park("a")
    _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
    let claim = try #require(try await bench.claims().first)
    _ = try await bench.admit(try bench.job("another"), lease: "w1.9", limit: 2)
    #expect(try await bench.redeem(claim, "a", remaining: 0).place?.kind == .deck)
    #expect(try await lines(bench) == ["standard ana 1"])
  }

  @Test func `lines stand again when bays were taken over after a loss of Redis`() async throws {
    let bench = try await AdmissionBench.still()
    #expect(try await bench.desk.adopt(7, messages: 3, lane: .low, user: "ana") == .adopted)
    #expect(try await lines(bench) == ["low ana 3"])
  }
}
