import Catalog
import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct ReconciliationTests {
  private let place: TestLedger
  private let ledger: Ledger

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open()
  }

  private func reconciliation() throws -> Reconciliation {
    let text = """
      version: 1
      currency: USD
      prices:
        - provider: piper
          model: piper-model
          unit_prices: [{unit: characters, price: "15", per: 1000000}]
          source: test
          checked: 2026-11-01
      """
    return Reconciliation(of: ledger, with: try PriceBookFile.read(text: text).0)
  }

  @Test func `sums equal the rows whatever was booked, and a foreign hand is found`() async throws {
    _ = try await ledger.record(try randomEvents(300, seed: 4).map(\.arrived))
    let reconciliation = try reconciliation()
    #expect(try await reconciliation.mismatches().isEmpty)
    try await ledger.execute("UPDATE balance SET amount_nano_usd = amount_nano_usd + 1 WHERE scope = 'tier:PRO'")
    try await ledger.execute("DELETE FROM user_month WHERE user_id = 'u3' AND charge_period = '2026-10'")
    try await ledger.execute("INSERT INTO balance VALUES ('provider:ghost', '2026-10', 5)")
    let found = try await reconciliation.mismatches()
    #expect(Set(found.map(\.scope)) == ["tier:PRO", "user:u3", "provider:ghost"])
    #expect(
      found.first { $0.scope == "provider:ghost" }
        == .init(
          scope: "provider:ghost", period: "2026-10", kept: Money(nanoUSD: 5), rows: .zero))
  }

  @Test func `a day says what its amount consists of and how far what was stated is from the book`() async throws {
    func event(_ job: String, _ basis: Cost.Basis, _ nanoUSD: Int64, provider: String = "piper") throws -> CostEvent {
      var event = try costEvent(
        job: job, provider: provider, nanoUSD: nanoUSD, usage: [Usage(.characters, ExactDecimal(1000), .provider)])
      event.cost.basis = basis
      return event
    }
    var correction = try event("a", .priceBook, -5)
    correction.corrects = correction.id
    correction.correction = 1
    let events = try [
      event("a", .priceBook, 15_000_000), correction, event("b", .provider, 16_000_000),
      event("c", .estimate, 70), event("d", .provider, 9, provider: "other"),
    ]
    _ = try await ledger.record(events.map(\.arrived))
    let from = try #require(Timestamp("2026-11-21T00:00:00Z"))
    let to = try #require(Timestamp("2026-11-22T00:00:00Z"))
    let days = try await reconciliation().days(from: from, to: to)
    #expect(days.map(\.provider) == ["other", "piper"])
    let piper = try #require(days.last)
    #expect(piper.attempts == 3 && piper.amount == Money(nanoUSD: 31_000_065))
    #expect(piper.stated == Money(nanoUSD: 16_000_000) && piper.drift == Money(nanoUSD: 1_000_000))
    #expect(piper.estimated == Money(nanoUSD: 70) && piper.corrections == Money(nanoUSD: -5))
    #expect(piper.stated + piper.byPriceBook + piper.estimated + piper.corrections == piper.amount)
    #expect(days[0].statedUnpriced == Money(nanoUSD: 9) && days[0].drift == .zero)
    #expect(try await reconciliation().days(from: to, to: to).isEmpty)
  }

  @Test func `an estimate of which the truth was learned explains nothing any more`() async throws {
    func estimate(_ job: String) throws -> CostEvent {
      var event = try costEvent(job: job, outcome: .unknown, nanoUSD: 1000)
      event.cost.basis = .estimate
      return event
    }
    func correction(_ job: String, _ number: Int, _ basis: Cost.Basis, _ nanoUSD: Int64) throws -> CostEvent {
      var event = try costEvent(
        job: job, nanoUSD: nanoUSD, usage: [], time: "2026-11-22T08:00:00Z", corrects: "\(job)/r1/1",
        correction: number)
      event.cost.basis = basis
      return event
    }
    let events = try [
      estimate("never"), estimate("late"), correction("late", 0, .priceBook, -400),
      estimate("stated"), correction("stated", 0, .provider, -900),
      estimate("guessed"), correction("guessed", 0, .estimate, -300),
      estimate("repriced"), correction("repriced", 1, .priceBook, 50),
    ]
    #expect(
      try await ledger.record(events.map(\.arrived)).count { if case .inserted = $0 { true } else { false } } == 9)
    let from = try #require(Timestamp("2026-11-21T00:00:00Z"))
    let to = try #require(Timestamp("2026-11-22T00:00:00Z"))
    let day = try #require(try await reconciliation().days(from: from, to: to).first)
    #expect(day.estimated == Money(nanoUSD: 5000))
    #expect(day.openEstimates == Money(nanoUSD: 1000 + 700 + 1050))
  }
}
