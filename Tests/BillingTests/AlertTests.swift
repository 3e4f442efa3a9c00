import Catalog
import Contracts
import Foundation
import GRDB
import Testing

@testable import Billing

struct AlertTests {
  private let folder: TemporaryFolder
  private let ledger: SQLiteLedger

  init() throws {
    folder = try TemporaryFolder()
    ledger = try SQLiteLedger(path: folder.ledgerPath) { Timestamp(milliseconds: 1_790_000_000_123) }
  }

  /// PRO with a cap of one dollar.
  private func policy(hard: Bool) throws -> Policy {
    var policy = builtInPolicy
    var tier = try #require(policy.tiers["PRO"])
    tier.costCap = .init(monthly: Money(nanoUSD: 1_000_000_000), isHard: hard)
    policy.tiers["PRO"] = tier
    return policy
  }

  private func book(_ job: Int, nanoUSD: Int64, under policy: Policy) async throws {
    _ = try await ledger.record([try costEvent(job: "j\(job)", nanoUSD: nanoUSD).arrived], under: policy)
  }

  @Test func `a soft cap gives one warning, with the row that reaches it and never again`() async throws {
    let policy = try policy(hard: false)
    try await book(1, nanoUSD: 999_999_999, under: policy)
    #expect(try await ledger.unsentAlerts(limit: 10).isEmpty)
    for job in 2...5 { try await book(job, nanoUSD: 1, under: policy) }
    try await book(2, nanoUSD: 1, under: policy)
    let alerts = try await ledger.unsentAlerts(limit: 10)
    #expect(alerts.map(\.id) == ["user:anna/2026-11/cost_cap/100"])
    #expect(alerts.map(\.routingKey) == ["warning.cost_cap"])
    #expect(
      alerts.map { String(decoding: $0.body, as: UTF8.self) } == [
        #"{"kind":"cost_cap","severity":"warning","userId":"anna","tier":"PRO","period":"2026-11","#
          + #""capUsd":"1.000000000000","amountUsd":"1.000000000000","hardStop":false,"#
          + #""time":"2026-09-21T14:13:20.123Z"}"#
      ])
  }

  @Test func `a hard cap is an error`() async throws {
    try await book(1, nanoUSD: 2_000_000_000, under: try policy(hard: true))
    #expect(try await ledger.unsentAlerts(limit: 10).map(\.routingKey) == ["error.cost_cap"])
  }

  @Test func `an alert that was sent is not sent again, also by the next process`() async throws {
    let policy = try policy(hard: false)
    try await book(1, nanoUSD: 1_000_000_000, under: policy)
    let alerts = try await ledger.unsentAlerts(limit: 10)
    try await ledger.markSent(alerts)
    try ledger.close()
    let next = try SQLiteLedger(path: folder.ledgerPath)
    _ = try await next.record([try costEvent(job: "j2").arrived], under: policy)
    #expect(try await next.unsentAlerts(limit: 10).isEmpty)
    #expect(try next.texts("SELECT sent_at FROM alert") == ["2026-09-21T14:13:20.123Z"])
  }

  @Test func `each user and each month has its own`() async throws {
    let events = [
      try costEvent(job: "a", nanoUSD: 2_000_000_000), try costEvent(job: "b", user: "bert", nanoUSD: 2_000_000_000),
      try costEvent(job: "c", nanoUSD: 2_000_000_000, period: "2026-12"),
    ]
    _ = try await ledger.record(events.map(\.arrived), under: try policy(hard: false))
    #expect(
      Set(try await ledger.unsentAlerts(limit: 10).map(\.id)) == [
        "user:anna/2026-11/cost_cap/100", "user:anna/2026-12/cost_cap/100", "user:bert/2026-11/cost_cap/100",
      ])
  }

  @Test func `what is laid down for the user outranks the tier of the row`() throws {
    let policy = try policy(hard: true)
    let month = UserMonth(userID: "anna", chargePeriod: "2026-11", amount: Money(nanoUSD: 1_500_000_000))
    func due(_ entitlement: Entitlement?, amount: UserMonth = month) -> [Alert] {
      Alert.due(on: amount, tier: "PRO", entitlement: entitlement, policy: policy, at: Timestamp(milliseconds: 0))
    }
    #expect(due(nil).map(\.severity) == [.error])
    #expect(due(Entitlement(hardStop: false)).map(\.severity) == [.warning])
    #expect(due(Entitlement(monthlyCap: Money("1.6"))).isEmpty)
    #expect(due(Entitlement(tier: "ENTERPRISE", monthlyCap: Money("1.5"))).map(\.tier) == ["ENTERPRISE"])
    #expect(due(Entitlement(tier: "gone")).map(\.tier) == ["PRO"])
    // A cap of nothing is reached by the first cost, not by free jobs.
    #expect(due(Entitlement(monthlyCap: .zero), amount: UserMonth(userID: "anna", chargePeriod: "2026-11")).isEmpty)
    #expect(due(Entitlement(monthlyCap: .zero)).map(\.threshold) == [100])
  }

  @Test func `a batch that fails leaves no alert`() async throws {
    let policy = try policy(hard: false)
    try await ledger.pool.write { try $0.execute(sql: "DROP TABLE user_month") }
    await #expect(throws: LedgerError.self) { try await book(1, nanoUSD: 2_000_000_000, under: policy) }
    #expect(try ledger.count("alert") == 0)
  }
}
