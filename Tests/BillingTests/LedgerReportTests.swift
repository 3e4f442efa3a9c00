import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct LedgerReportTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let events: [CostEvent]

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open()
    events = try randomEvents(300, seed: 11)
    _ = try await ledger.record(events.map(\.arrived))
  }

  private func key(of event: CostEvent, by grouping: LedgerQuery.Grouping) -> String {
    switch grouping {
    case .user: event.userID
    case .tier: event.tier
    case .provider: event.provider
    case .model: event.model
    case .task: event.taskType.rawValue
    case .day: String(event.time.description.prefix(10))
    }
  }

  private func row(_ key: String, summing events: [CostEvent]) -> LedgerReport.Row {
    var units: [Usage.Unit: ExactDecimal] = [:]
    for event in events { units.add(event.usage) }
    return LedgerReport.Row(
      key: key, jobs: Set(events.map { "\($0.jobID)/\($0.run)" }).count,
      attempts: events.count { $0.corrects == nil }, amount: events.reduce(.zero) { $0 + $1.cost.amount },
      corrections: events.reduce(.zero) { $1.corrects == nil ? $0 : $0 + $1.cost.amount }, units: units)
  }

  /// Sums compare by value: `1.50` and `1.5` differ as `ExactDecimal`.
  private func shown(_ row: LedgerReport.Row) -> String {
    let units = row.units.map { "\($0.rawValue)=\($1)" }.sorted()
    return "\(row.key) \(row.jobs) \(row.attempts) \(row.amount) \(row.corrections) \(units)"
  }

  @Test(arguments: LedgerQuery.Grouping.allCases)
  func `a report's rows and total are the sums of the rows`(grouping: LedgerQuery.Grouping) async throws {
    let report = try await ledger.report(LedgerQuery(by: grouping))
    let expected = Dictionary(grouping: events) { key(of: $0, by: grouping) }.sorted { $0.key < $1.key }
      .map { row($0.key, summing: $0.value) }
    #expect(report.rows.map(shown) == expected.map(shown))
    #expect(shown(report.total) == shown(row("", summing: events)))
    #expect(report.rows.reduce(.zero) { $0 + $1.amount } == report.total.amount)
  }

  @Test func `from counts and to does not`() async throws {
    let times = events.map(\.time).sorted()
    let (from, to) = (times[100], times[200])
    let inside = events.filter { $0.time >= from && $0.time < to }
    let report = try await ledger.report(LedgerQuery(by: .day, from: from, to: to))
    #expect(shown(report.total) == shown(row("", summing: inside)))
  }

  @Test func `a range without rows has an empty report and a total of nothing`() async throws {
    let report = try await ledger.report(LedgerQuery(by: .user, from: Timestamp("2030-01-01T00:00:00Z")))
    #expect(report.rows.isEmpty)
    #expect(shown(report.total) == shown(row("", summing: [])))
  }
}
