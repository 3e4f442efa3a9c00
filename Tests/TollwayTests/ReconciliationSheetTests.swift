import Billing
import Contracts
import Testing

@testable import tollway

struct ReconciliationSheetTests {
  private let from: Timestamp
  private let to: Timestamp
  private let cent = Money(nanoUSD: 10_000_000)

  init() throws {
    from = try #require(Timestamp("2026-11-01T00:00:00Z"))
    to = try #require(Timestamp("2026-11-21T12:00:00Z"))
  }

  private func day(_ change: (inout Reconciliation.Day) -> Void = { _ in }) -> Reconciliation.Day {
    var day = Reconciliation.Day(day: "2026-11-21", provider: "openai")
    day.attempts = 1
    day.amount = cent
    day.byPriceBook = cent
    change(&day)
    return day
  }

  private func sheet(
    _ days: [Reconciliation.Day], charged: [(day: String, nanoUSD: Int64)] = [],
    mismatches: [Reconciliation.Mismatch] = []
  ) -> ReconciliationSheet {
    ReconciliationSheet(
      from: from, to: to, days: days, mismatches: mismatches,
      charges: charged.map { ProviderStatement(provider: "openai", day: $0.day, amount: Money(nanoUSD: $0.nanoUSD)) })
  }

  @Test func `an invoice that says what the ledger says has nothing to explain`() {
    let sheet = sheet([day()], charged: [("2026-11-21", 4_000_000), ("2026-11-21", 6_000_000)])
    #expect(sheet.isClean && sheet.unexplained == 0 && sheet.days[0].why.isEmpty)
    #expect(sheet.days[0].chargedUsd == "0.010000000000")
  }

  @Test(arguments: [(-1, 5, true), (-5, 5, true), (-6, 5, false), (1, 5, false), (-1, 0, false)])
  func `estimates explain what was not charged, as far as they are open`(by: Int64, open: Int64, isExplained: Bool) {
    let estimates = day {
      $0.estimated = Money(nanoUSD: 8)
      $0.openEstimates = Money(nanoUSD: open)
    }
    let sheet = sheet([estimates], charged: [("2026-11-21", cent.nanoUSD + by)])
    #expect(sheet.isClean == isExplained)
    #expect(sheet.days[0].why.contains { $0.hasPrefix("not explained") } == !isExplained)
    #expect(sheet.days[0].why.contains { $0.contains("came as corrections") })
  }

  @Test func `a day of an invoice that was not asked for is said to be outside, and is no difference`() {
    let sheet = sheet([day()], charged: [("2026-10-31", 7), ("2026-11-21", cent.nanoUSD), ("2026-11-22", 8)])
    #expect(sheet.isClean && sheet.unexplained == 0)
    #expect(sheet.days.map(\.day) == ["2026-11-21"])
    #expect(sheet.outside.map(\.day) == ["2026-10-31", "2026-11-22"])
    #expect(sheet.outside[0].chargedUsd == "0.000000007000")
  }

  @Test func `what was charged on a day without a row is not explained`() {
    let sheet = sheet([], charged: [("2026-11-01", 7)])
    #expect(!sheet.isClean && sheet.unexplained == 1 && sheet.days[0].attempts == 0)
  }

  @Test func `a kept sum that differs from its rows is never clean, a drift is told only`() {
    let drift = day {
      $0.stated = Money(nanoUSD: 9)
      $0.statedByPriceBook = Money(nanoUSD: 4)
    }
    let told = sheet([drift])
    #expect(told.isClean && told.days[0].why.contains { $0.contains("+0.000000005") })
    #expect(!sheet([], mismatches: [.init(scope: "fleet", period: "2026-11", kept: cent, rows: .zero)]).isClean)
  }
}
