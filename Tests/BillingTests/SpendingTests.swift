import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct SpendingTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let events: [CostEvent]

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open()
    events = try randomEvents(300, seed: 21)
    _ = try await ledger.record(events.map(\.arrived))
  }

  private func day(_ event: CostEvent) -> String { String(event.time.description.prefix(10)) }

  @Test func `each day and tier has the sums of its rows`() async throws {
    let begin = events.map(\.time).sorted()[50]
    let counted = events.filter { $0.time >= begin }
    let expected = Dictionary(grouping: counted) { [day($0), $0.tier] }.map { key, events in
      SpendingDay(
        day: key[0], tier: key[1], amount: events.reduce(.zero) { $0 + $1.cost.amount },
        failed: events.reduce(.zero) { $1.outcome == .success ? $0 : $0 + $1.cost.amount },
        jobs: Set(events.map { "\($0.jobID)/\($0.run)" }).count)
    }.sorted { ($0.day, $0.tier) < ($1.day, $1.tier) }
    #expect(try await ledger.spending(from: begin) == expected)
    #expect(try await ledger.spending(from: Timestamp("2090-01-01T00:00:00Z") ?? begin) == [])
  }

  @Test func `a month has its balances, and when the last row was booked`() async throws {
    let period = try #require(events.first).chargePeriod
    let month = try await ledger.spendingMonth(period, nearLimit: 80)
    let counted = events.filter { $0.chargePeriod == period }
    #expect(month.balances["fleet"] == counted.reduce(.zero) { $0 + $1.cost.amount })
    for tier in Set(counted.map(\.tier)) {
      #expect(
        month.balances["tier:\(tier)"] == counted.filter { $0.tier == tier }.reduce(.zero) { $0 + $1.cost.amount })
    }
    #expect(month.lastBooked != nil)
    let empty = try await ledger.spendingMonth("2090-01", nearLimit: 80)
    #expect(empty.balances.isEmpty)
  }

  @Test func `a user counts as near its limit once, whatever it is near to`() async throws {
    func tell(_ scope: String, _ kind: String, _ threshold: Int, _ period: String = "2091-11") async throws {
      try await ledger.database.write { session in
        _ = try session.execute(
          Alert.insert,
          [
            .text(scope), .text(period), .text(kind), SQLValue(threshold), .text("warning"), .bytes([]),
            SQLValue(Timestamp(milliseconds: 0)),
          ])
      }
    }
    try await tell("user:ana", "cost_cap", 50)
    #expect(try await ledger.spendingMonth("2091-11", nearLimit: 80).usersNearLimit == 0)
    try await tell("user:ana", "cost_cap", 80)
    try await tell("user:ana", "quota_jobs", 95)
    try await tell("user:ben", "quota_jobs", 100)
    try await tell("tier:PRO", "cost_cap", 100)
    try await tell("user:cleo", "cost_cap", 100, "2091-10")
    #expect(try await ledger.spendingMonth("2091-11", nearLimit: 80).usersNearLimit == 2)
  }
}
