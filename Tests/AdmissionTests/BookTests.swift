import Admission
import Contracts
import Logging
import Redis
import TestKit
import Testing

/// What billing tells Redis, on a real one. What workers hold open is laid down here as their scripts write it.
@Suite struct BookTests {
  private static let month = "2026-11"

  private let desk: AdmissionDesk
  private let redis: RedisClient
  private let keys: AdmissionKeys

  init() async throws {
    let live = try await LiveRedis.shared()
    redis = RedisClient(try RedisConfiguration(url: live.url), logger: Logger(label: "test"))
    keys = AdmissionKeys(namespace: Namespace.unique())
    desk = AdmissionDesk(redis: redis, keys: keys, configuration: AdmissionConfiguration())
  }

  private func book(_ row: Int64, _ spent: Spending, _ events: [String] = [], user: String = "ana") async throws {
    try await desk.book([
      .init(userID: user, period: Self.month, row: row, spent: spent, eventIDs: events)
    ])
  }

  /// Holds 100 nano-dollars and one job open for each event.
  private func open(_ events: [String], settled: Bool = true) async throws {
    for event in events {
      let key = keys.open(Identifier.base64url("ana"))
      _ = try await redis.command(
        RedisCommand("HSET").arg(key).arg(event).arg("\(Self.month) 100 0 0 0 1 \(settled ? 1 : 0)"))
    }
    let sum = Spending(nanoUSD: 100 * Int64(events.count), jobs: Int64(events.count))
    _ = try await redis.command(
      RedisCommand("HSET").arg(keys.money(Identifier.base64url("ana"))).arg("\(Self.month):open").arg(sum.text))
  }

  private func standing() async throws -> (base: Spending, open: Spending) {
    try await desk.standing(of: "ana", period: Self.month)
  }

  @Test func `a user of whom nothing is known has spent nothing`() async throws {
    let standing = try await standing()
    #expect(standing.base == Spending() && standing.open == Spending())
  }

  @Test func `the base rises and what is in it is no longer open, at once`() async throws {
    try await open(["j1/r/1", "j2/r/1", "j3/r/1"])
    let spent = Spending(nanoUSD: 180, tokens: 7, audioMilliseconds: 5, videoMilliseconds: 3, jobs: 2)
    try await book(4, spent, ["j1/r/1", "j2/r/1", "never/open/1"])
    let standing = try await standing()
    #expect(standing.base == spent)
    #expect(standing.open == Spending(nanoUSD: 100, jobs: 1))
  }

  @Test func `booking again and older sums change nothing, but events of theirs are dropped`() async throws {
    try await open(["j1/r/1", "j2/r/1"])
    let newer = Spending(nanoUSD: 300, jobs: 3)
    for _ in 0..<2 { try await book(9, newer, ["j1/r/1"]) }
    try await book(8, Spending(nanoUSD: 200, jobs: 2), ["j2/r/1"])
    let standing = try await standing()
    #expect(standing.base == newer)
    #expect(standing.open == Spending())
  }

  @Test func `an event that came twice in a batch gives up what it holds once`() async throws {
    try await open(["j1/r/1", "j2/r/1"])
    try await book(1, Spending(nanoUSD: 100, jobs: 1), ["j1/r/1", "j1/r/1"])
    #expect(try await standing().open == Spending(nanoUSD: 100, jobs: 1))
  }

  @Test func `what is open for another month is given up there`() async throws {
    let key = keys.open(Identifier.base64url("ana"))
    let money = keys.money(Identifier.base64url("ana"))
    _ = try await redis.command(RedisCommand("HSET").arg(key).arg("j1/r/1").arg("2026-10 5 0 0 0 1 1"))
    _ = try await redis.command(RedisCommand("HSET").arg(money).arg("2026-10:open").arg("5 0 0 0 1"))
    try await book(1, Spending(nanoUSD: 5, jobs: 1), ["j1/r/1"])
    #expect(try await desk.standing(of: "ana", period: "2026-10").open == Spending())
    #expect(try await standing().open == Spending())
  }

  @Test func `many months travel together, each user's and each month's for itself`() async throws {
    try await desk.book(
      (1...300).map { number in
        .init(
          userID: "u\(number % 3)", period: "2026-\(10 + number % 2)", row: Int64(number),
          spent: Spending(nanoUSD: Int64(number)), eventIDs: [])
      })
    #expect(try await desk.standing(of: "u0", period: "2026-11").base.nanoUSD == 297)
    #expect(try await desk.standing(of: "u0", period: "2026-10").base.nanoUSD == 300)
    #expect(try await desk.standing(of: "u2", period: "2026-11").base.nanoUSD == 299)
  }

  @Test func `figures up to the largest are exact`() async throws {
    let spent = Spending(nanoUSD: 9_007_199_254_740_991, tokens: -5)
    try await book(1, spent)
    #expect(try await standing().base == spent)
  }

  @Test(arguments: ["money_reserved", "quota_reserved", "concurrency", "rate"])
  func `who waits for money or quota is looked at at once, nobody else is`(why: String) async throws {
    let user = Identifier.base64url("ana")
    let later = try await desk.time().milliseconds + 60_000
    for command in [
      RedisCommand("HSET").arg(keys.user(user)).arg("rooms").arg("2"),
      RedisCommand("HSET").arg(keys.room(.standard, user)).arg("bay").arg(1).arg("n").arg(3).arg("limit").arg(2)
        .arg("gate").arg(later).arg("why").arg(why),
      RedisCommand("ZADD").arg(keys.due(.standard)).arg(later).arg(user),
    ] { _ = try await redis.command(command) }
    try await open(["j1/r/1"])
    try await book(1, Spending(nanoUSD: 90, jobs: 1), ["j1/r/1"])
    let due = try await redis.command(RedisCommand("ZSCORE").arg(keys.due(.standard)).arg(user)).string
    let now = try await desk.time().milliseconds
    let score = try #require(due.flatMap { Int64($0) })
    #expect((score <= now) == why.hasSuffix("_reserved"))
  }

  @Test func `money is known for the epoch in force and for no other`() async throws {
    let runID = String(repeating: "a", count: 40)
    let marker = try #require(LedgerMarker(epoch: runID + ":1790000000000"))
    #expect(try await !desk.moneyIsKnown(marker))
    _ = try await redis.command(RedisCommand("SET").arg(keys.epoch).arg(runID + ":1790000000001"))
    #expect(try await !desk.moneyIsKnown(marker))
    #expect(try await redis.command(RedisCommand("EXISTS").arg(keys.moneyReady)).int == 0)
    _ = try await redis.command(RedisCommand("SET").arg(keys.epoch).arg(marker.epoch))
    #expect(try await desk.moneyIsKnown(marker))
    #expect(try await redis.command(RedisCommand("GET").arg(keys.moneyReady)).string == marker.epoch)
  }

  @Test func `of open events those that are spent are shown, all of them`() async throws {
    let spent = (1...700).map { "j\($0)/r/1" }
    try await open(["reserved/r/1"], settled: false)
    try await open(spent)
    var shown: Set<String> = []
    var pages = 0
    try await desk.settledOpen { ids in
      shown.formUnion(ids)
      pages += 1
    }
    #expect(shown == Set(spent))
    #expect(pages > 1)
  }

  @Test func `one process releases until it is gone`() async throws {
    #expect(try await desk.holdRelease("one", for: .seconds(30)))
    #expect(try await !desk.holdRelease("two", for: .seconds(30)))
    #expect(try await desk.holdRelease("one", for: .milliseconds(1)))
    try await waitUntil("the role is free") { try await desk.holdRelease("two", for: .seconds(30)) }
    #expect(try await !desk.holdRelease("one", for: .seconds(30)))
  }

  @Test func `the released month is remembered`() async throws {
    #expect(try await desk.releasedMonth() == nil)
    try await desk.setReleasedMonth(Self.month)
    #expect(try await desk.releasedMonth() == Self.month)
  }
}
