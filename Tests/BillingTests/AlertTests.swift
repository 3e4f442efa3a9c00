import Catalog
import Contracts
import Foundation
import Testing

@testable import Billing

@Suite(.onEachStore) struct AlertTests {
  private let place: TestLedger
  private let ledger: Ledger

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open { Timestamp(milliseconds: 1_790_000_000_123) }
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

  @Test func `a soft cap gives one warning at each share, with the row that reaches it and never again`() async throws {
    let policy = try policy(hard: false)
    try await book(1, nanoUSD: 499_999_999, under: policy)
    #expect(try await ledger.unsentAlerts(limit: 10).isEmpty)
    for job in 2...5 { try await book(job, nanoUSD: 1, under: policy) }
    try await book(2, nanoUSD: 1, under: policy)
    let alerts = try await ledger.unsentAlerts(limit: 10)
    #expect(alerts.map(\.id) == ["user:anna/2026-11/cost_cap/50"])
    #expect(alerts.map(\.routingKey) == ["warning.cost_cap"])
    #expect(
      alerts.map { String(decoding: $0.body, as: UTF8.self) } == [
        #"{"kind":"cost_cap","severity":"warning","scope":"user:anna","state":"raised","#
          + #""message":"user:anna has used 50 % of its 1.00 USD of 2026-11","#
          + #""action":"tollway users show anna; tollway users set anna --monthly-usd D raises the cap","#
          + #""userId":"anna","tier":"PRO","period":"2026-11","threshold":50,"unit":"usd","#
          + #""capUsd":"1.000000000000","amountUsd":"0.500000000000","hardStop":false,"#
          + #""time":"2026-09-21T14:13:20.123Z"}"#
      ])
    try await book(6, nanoUSD: 300_000_000, under: policy)
    try await book(7, nanoUSD: 600_000_000, under: policy)
    #expect(
      try await Array(ledger.unsentAlerts(limit: 10).map(\.id).dropFirst())
        == ["80", "95", "100"].map { "user:anna/2026-11/cost_cap/\($0)" })
  }

  @Test func `a hard cap that is reached is an error`() async throws {
    try await book(1, nanoUSD: 2_000_000_000, under: try policy(hard: true))
    let keys = try await ledger.unsentAlerts(limit: 10).map(\.routingKey)
    #expect(keys == Array(repeating: "warning.cost_cap", count: 3) + ["error.cost_cap"])
  }

  @Test func `quotas are told by their units, minutes as seconds`() async throws {
    var policy = builtInPolicy
    policy.tiers["PRO"]?.costCap = nil
    policy.tiers["PRO"]?.monthly = MonthlyQuotas(tokens: 1000, audioSeconds: 100, videoMinutes: 2, jobs: 10)
    let usage = [
      Usage(.inputTokens, ExactDecimal(400), .provider), Usage(.outputTokens, ExactDecimal(399), .provider),
      Usage(.audioSeconds, try decimal("49.999"), .measured), Usage(.videoSeconds, ExactDecimal(114), .measured),
    ]
    _ = try await ledger.record([try costEvent(nanoUSD: 5, usage: usage).arrived], under: policy)
    #expect(
      try await ledger.unsentAlerts(limit: 20).map(\.id) == [
        "user:anna/2026-11/quota_tokens/50", "user:anna/2026-11/quota_video_seconds/50",
        "user:anna/2026-11/quota_video_seconds/80", "user:anna/2026-11/quota_video_seconds/95",
      ])
    let more = [Usage(.inputTokens, ExactDecimal(1), .provider), Usage(.audioSeconds, try decimal("0.001"), .measured)]
    _ = try await ledger.record([try costEvent(job: "j2", nanoUSD: 5, usage: more).arrived], under: policy)
    #expect(
      try await Array(ledger.unsentAlerts(limit: 20).dropFirst(4).map(\.id))
        == ["user:anna/2026-11/quota_tokens/80", "user:anna/2026-11/quota_audio_seconds/50"])
  }

  @Test func `a tier, a provider and the whole fleet have budgets of their own`() async throws {
    var policy = try policy(hard: false)
    policy.tiers["PRO"]?.costCap = nil
    policy.budgets = Budgets(
      fleet: Money(nanoUSD: 1000), tiers: ["PRO": Money(nanoUSD: 400)], providers: ["piper": Money(nanoUSD: 100)])
    for job in 1...2 {
      let event = try costEvent(job: "j\(job)", user: "u\(job)", nanoUSD: 100)
      _ = try await ledger.record([event.arrived, event.arrived], under: policy)
    }
    #expect(
      try await ledger.unsentAlerts(limit: 20).map(\.id).sorted() == [
        "provider:piper/2026-11/cost_cap/100", "provider:piper/2026-11/cost_cap/50",
        "provider:piper/2026-11/cost_cap/80", "provider:piper/2026-11/cost_cap/95", "tier:PRO/2026-11/cost_cap/50",
      ])
    #expect(
      try await ledger.texts("SELECT scope || ' ' || amount_nano_usd FROM balance ORDER BY scope")
        == ["fleet 200", "provider:piper 200", "tier:PRO 200"])
  }

  @Test func `an alert that was sent is not sent again, also by the next process`() async throws {
    let policy = try policy(hard: false)
    try await book(1, nanoUSD: 1_000_000_000, under: policy)
    let alerts = try await ledger.unsentAlerts(limit: 10)
    try await ledger.markSent(alerts)
    try ledger.close()
    let next = try place.open()
    _ = try await next.record([try costEvent(job: "j2").arrived], under: policy)
    #expect(try await next.unsentAlerts(limit: 10).isEmpty)
    #expect(try await next.texts("SELECT sent_at FROM alert") == Array(repeating: "2026-09-21T14:13:20.123Z", count: 4))
  }

  @Test func `each user and each month has its own`() async throws {
    let events = [
      try costEvent(job: "a", nanoUSD: 2_000_000_000), try costEvent(job: "b", user: "bert", nanoUSD: 2_000_000_000),
      try costEvent(job: "c", nanoUSD: 2_000_000_000, period: "2026-12"),
    ]
    _ = try await ledger.record(events.map(\.arrived), under: try policy(hard: false))
    #expect(
      Set(try await ledger.unsentAlerts(limit: 20).map(\.id).filter { $0.hasSuffix("/100") }) == [
        "user:anna/2026-11/cost_cap/100", "user:anna/2026-12/cost_cap/100", "user:bert/2026-11/cost_cap/100",
      ])
  }

  @Test func `what is laid down for the user outranks the tier of the row`() throws {
    let policy = try policy(hard: true)
    let month = UserMonth(userID: "anna", chargePeriod: "2026-11", amount: Money(nanoUSD: 1_500_000_000))
    func due(_ entitlement: Entitlement?, amount: UserMonth = month) -> [Alert] {
      Alert.due(on: amount, tier: "PRO", entitlement: entitlement, policy: policy, at: Timestamp(milliseconds: 0))
    }
    #expect(due(nil).last?.severity == .error)
    #expect(due(Entitlement(hardStop: false)).last?.severity == .warning)
    #expect(due(Entitlement(monthlyCap: Money("1.6"))).map(\.threshold) == [50, 80])
    #expect(due(Entitlement(tier: "ENTERPRISE", monthlyCap: Money("1.5"))).last?.tier == "ENTERPRISE")
    #expect(due(Entitlement(tier: "gone")).last?.tier == "PRO")
    // A cap of nothing is reached by the first cost, not by free jobs.
    #expect(due(Entitlement(monthlyCap: .zero), amount: UserMonth(userID: "anna", chargePeriod: "2026-11")).isEmpty)
    #expect(due(Entitlement(monthlyCap: .zero)).map(\.threshold) == [50, 80, 95, 100])
  }

  @Test func `a batch that fails leaves no alert`() async throws {
    let policy = try policy(hard: false)
    try await ledger.execute("DROP TABLE user_month")
    await #expect(throws: LedgerError.self) { try await book(1, nanoUSD: 2_000_000_000, under: policy) }
    #expect(try await ledger.count("alert") == 0)
  }
}
