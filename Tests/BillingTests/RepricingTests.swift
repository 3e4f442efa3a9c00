import Catalog
import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct RepricingTests {
  private let place: TestLedger
  private let ledger: Ledger

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open()
  }

  /// Dollars for a million characters at `piper`, from 1970 on, and other ones from a day of November on.
  private func book(_ first: String, then later: String? = nil, from day: String = "2026-11-10") throws -> PriceBook {
    func entry(_ price: String, _ from: String) -> String {
      """
        - provider: piper
          model: piper-model
          effective_from: \(from)
          unit_prices: [{unit: characters, price: "\(price)", per: 1000000}]
          source: test
          checked: 2026-11-01
      """
    }
    let entries = [entry(first, "1970-01-01")] + (later.map { [entry($0, day)] } ?? [])
    return try PriceBookFile.read(text: (["version: 1", "currency: USD", "prices:"] + entries).joined(separator: "\n"))
      .0
  }

  /// A thousand characters cost 15 USD a million at first.
  private func event(
    _ job: String, day: Int = 5, basis: Cost.Basis = .priceBook, nanoUSD: Int64 = 15_000_000,
    outcome: AttemptOutcome = .success,
    usage: [Usage] = [Usage(.characters, ExactDecimal(1000), .measured)]
  ) throws -> CostEvent {
    var event = try costEvent(
      job: job, outcome: outcome, nanoUSD: nanoUSD, usage: usage, time: "2026-11-\(day < 10 ? "0" : "")\(day)T10:00:00Z"
    )
    event.cost.basis = basis
    return event
  }

  private func corrections(_ prices: PriceBook, from: String = "2026-11-01T00:00:00Z") async throws -> Repricing.Page {
    var all = Repricing.Page()
    var next: Int64? = 0
    let choice = Repricing.Choice(from: try #require(Timestamp(from)))
    while let row = next {
      let page = try await Repricing(of: ledger, with: prices).page(choice, after: row, limit: 2)
      all.corrections += page.corrections
      all.looked += page.looked
      all.stated += page.stated
      all.unpriced += page.unpriced
      next = page.next
    }
    return all
  }

  @Test func `a price that was put right gives each attempt of its time the difference, once`() async throws {
    let events = try [event("a"), event("b", day: 9), event("c", day: 10), event("d", day: 20)]
    _ = try await ledger.record(events.map(\.arrived))
    let prices = try book("15", then: "20")
    let page = try await corrections(prices)
    #expect(page.looked == 4)
    #expect(page.corrections.map(\.id) == ["c/r1/1/c1", "d/r1/1/c1"])
    #expect(page.corrections.allSatisfy { $0.cost.amount == Money(nanoUSD: 5_000_000) && $0.usage.isEmpty })
    #expect(page.corrections.map(\.cost.priceID) == Array(repeating: "piper/piper-model@2026-11-10", count: 2))
    // Asked again before they are booked, they are the same to the byte.
    #expect(try await corrections(prices).corrections.map { $0.encoded() } == page.corrections.map { $0.encoded() })
    _ = try await ledger.record(page.corrections.map(\.arrived))
    #expect(try await corrections(prices).corrections.isEmpty)
    let total = try await ledger.report(LedgerQuery(by: .user)).total
    #expect(total.amount == Money(nanoUSD: 70_000_000) && total.corrections == Money(nanoUSD: 10_000_000))
    #expect(total.attempts == 4)

    // A second fix corrects what the first one left.
    let again = try await corrections(try book("15", then: "10"))
    #expect(again.corrections.map(\.id) == ["c/r1/1/c2", "d/r1/1/c2"])
    #expect(again.corrections.allSatisfy { $0.cost.amount == Money(nanoUSD: -10_000_000) })
  }

  @Test func `what a provider stated, what failed for nothing and what has no price stay`() async throws {
    let failed = try event("failed", nanoUSD: 0, outcome: .failed, usage: [])
    var foreign = try event("foreign")
    foreign.provider = "gone"
    let events = [try event("stated", basis: .provider, nanoUSD: 99), failed, foreign]
    _ = try await ledger.record(events.map(\.arrived))
    let page = try await corrections(try book("30"))
    #expect(page.corrections.isEmpty && page.looked == 3 && page.stated == 1 && page.unpriced == 1)
  }

  @Test func `a late result counts: what was used is the attempt's with its corrections'`() async throws {
    let unknown = try event(
      "a", basis: .estimate, nanoUSD: 60_000_000, outcome: .unknown,
      usage: [Usage(.characters, ExactDecimal(4000), .estimate)])
    var late = try event("a", nanoUSD: -45_000_000)
    late.usage = [Usage(.characters, ExactDecimal(-3000), .measured)]
    late.corrects = unknown.id
    late.correction = 0
    _ = try await ledger.record([unknown.arrived, late.arrived])
    #expect(try await corrections(try book("15")).corrections.isEmpty)
    let page = try await corrections(try book("16"))
    #expect(page.corrections.map(\.id) == ["a/r1/1/c1"])
    #expect(page.corrections.map(\.cost.amount) == [Money(nanoUSD: 1_000_000)])
  }

  @Test func `an attempt of which a late result took everything back costs nothing, whatever a call costs at least`()
    async throws
  {
    let guess = [Usage(.characters, ExactDecimal(4000), .estimate)]
    let unknown = try event("a", basis: .estimate, nanoUSD: 60_000_000, outcome: .unknown, usage: guess)
    var nothing = try event("a", nanoUSD: -60_000_000, outcome: .failed)
    nothing.usage = [Usage(.characters, ExactDecimal(-4000), .estimate)]
    (nothing.corrects, nothing.correction) = (unknown.id, 0)
    _ = try await ledger.record([unknown.arrived, nothing.arrived])
    let price = Price(
      provider: "piper", model: "piper-model",
      rows: [Price.Row(unit: .characters, each: try #require(ExactDecimal("0.000015")))],
      minimumCharge: Money(nanoUSD: 1_000_000))
    #expect(try await corrections(PriceBook([price])).corrections.isEmpty)
  }

  @Test func `what repricing added before the provider stated the cost is taken back`() async throws {
    let unknown = try event(
      "a", basis: .estimate, nanoUSD: 10, outcome: .unknown, usage: [Usage(.characters, ExactDecimal(1), .estimate)])
    var repriced = try event("a", nanoUSD: 2, usage: [])
    (repriced.corrects, repriced.correction) = (unknown.id, 1)
    // It stated 7, and took the estimate of 10 back.
    var stated = try event("a", basis: .provider, nanoUSD: -3)
    (stated.corrects, stated.correction) = (unknown.id, 0)
    _ = try await ledger.record([unknown, repriced, stated].map(\.arrived))
    let page = try await corrections(try book("15"))
    #expect(page.corrections.map(\.id) == ["a/r1/1/c2"] && page.corrections.map(\.cost.amount) == [Money(nanoUSD: -2)])
    _ = try await ledger.record(page.corrections.map(\.arrived))
    #expect(try await corrections(try book("15")).corrections.isEmpty)
    #expect(try await ledger.userMonth(of: "anna", period: "2026-11")?.amount == Money(nanoUSD: 7))
  }

  @Test func `a nano-dollar is the division of a call that served many, and no mistake`() async throws {
    _ = try await ledger.record([
      try event("a", nanoUSD: 15_000_001).arrived, try event("b", nanoUSD: 15_000_002).arrived,
    ])
    #expect(try await corrections(try book("15")).corrections.map(\.id) == ["b/r1/1/c1"])
  }

  @Test func `only the attempts that were chosen are looked at`() async throws {
    _ = try await ledger.record([try event("a", day: 5).arrived, try event("b", day: 20).arrived])
    #expect(try await corrections(try book("30"), from: "2026-11-06T00:00:00Z").corrections.map(\.jobID) == ["b"])
    let from = try #require(Timestamp("2026-11-01T00:00:00Z"))
    let to = try #require(Timestamp("2026-11-05T10:00:00Z"))
    for choice in [
      Repricing.Choice(from: from, to: to),
      Repricing.Choice(from: from, provider: "other"), Repricing.Choice(from: from, model: "other"),
    ] {
      #expect(try await Repricing(of: ledger, with: try book("30")).page(choice).looked == 0)
    }
  }
}
