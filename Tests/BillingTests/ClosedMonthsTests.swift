import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct ClosedMonthsTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let months: ClosedMonths

  init() async throws {
    place = try await TestLedger()
    let time = try #require(Timestamp("2026-11-22T10:00:00Z"))
    ledger = try place.open { time }
    months = ClosedMonths(in: ledger)
  }

  private func book(_ job: String, nanoUSD: Int64, period: String, corrects: String? = nil) async throws {
    let event = try costEvent(
      job: job, nanoUSD: nanoUSD, usage: [], time: "\(period)-05T10:00:00Z", period: period, corrects: corrects,
      correction: corrects == nil ? nil : 1)
    guard case .inserted = try await ledger.record([event.arrived])[0] else { throw LedgerError(.refused, "no row") }
  }

  private func statement(_ month: String) async throws -> (original: Money, corrections: Money) {
    let total = try await ledger.report(LedgerQuery(by: .user, billingPeriod: month)).total
    return (total.amount - total.corrections, total.corrections)
  }

  @Test func `a statement stays as it was closed, what comes later stands in the next one`() async throws {
    try await book("a", nanoUSD: 100, period: "2026-10")
    try await book("b", nanoUSD: 30, period: "2026-11")
    let (month, isNew) = try await months.close("2026-10", by: "ana", reason: "invoices are out")
    #expect(isNew && month.rows == 1 && month.amount == Money(nanoUSD: 100) && month.closedBy == "ana")

    try await book("late", nanoUSD: 7, period: "2026-10")
    try await book("a", nanoUSD: -40, period: "2026-10", corrects: "a/r1/1")
    #expect(try await statement("2026-10") == (Money(nanoUSD: 100), .zero))
    #expect(try await statement("2026-11") == (Money(nanoUSD: 37), Money(nanoUSD: -40)))
    // What it was incurred for does not change: caps and quotas are about that.
    #expect(try await ledger.userMonth(of: "anna", period: "2026-10")?.amount == Money(nanoUSD: 67))
    #expect(try await months.list() == [month])
  }

  @Test func `a month is closed once`() async throws {
    try await book("a", nanoUSD: 100, period: "2026-10")
    let first = try await months.close("2026-10", by: "ana", reason: "")
    let second = try await months.close("2026-10", by: "bob", reason: "again")
    #expect(first.isNew && !second.isNew && second.month == first.month)
    for sql in ["UPDATE closed_month SET amount_nano_usd = 0", "DELETE FROM closed_month"] {
      await #expect(throws: LedgerError.self) { try await ledger.execute(sql) }
    }
  }

  @Test func `only months that are over are closed, and in their order`() async throws {
    try await book("a", nanoUSD: 1, period: "2026-09")
    try await book("b", nanoUSD: 1, period: "2026-10")
    for (month, word, code) in [
      ("2026-11", "over", LedgerError.Code.tooEarly), ("2026-12", "over", .tooEarly), ("2026-13", "month", .refused),
      ("2026-10", "2026-09", .tooEarly),
    ] {
      let error = await #expect(throws: LedgerError.self) { try await months.close(month, by: "ana", reason: "") }
      #expect(error?.code == code && error?.message.contains(word) ?? false)
    }
    _ = try await months.close("2026-09", by: "ana", reason: "")
    _ = try await months.close("2026-10", by: "ana", reason: "")
    try await book("late", nanoUSD: 5, period: "2026-09")
    #expect(try await statement("2026-11").original == Money(nanoUSD: 5))
  }

  @Test func `of two who book and close at the same time no row is between`() async throws {
    try await book("first", nanoUSD: 1, period: "2026-10")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for job in 0..<20 { group.addTask { try await book("j\(job)", nanoUSD: 1, period: "2026-10") } }
      group.addTask { _ = try await months.close("2026-10", by: "ana", reason: "") }
      try await group.waitForAll()
    }
    let closed = try #require(try await months.list().first)
    #expect(try await statement("2026-10").original == closed.amount)
    #expect(try await statement("2026-11").original == Money(nanoUSD: 21) - closed.amount)
  }

  @Test func `a month in which nothing stands is closed with the next one`() async throws {
    try await book("a", nanoUSD: 1, period: "2026-06")
    _ = try await months.close("2026-06", by: "ana", reason: "")
    try await book("b", nanoUSD: 2, period: "2026-09")
    _ = try await months.close("2026-09", by: "bob", reason: "all of the summer")
    #expect(try await months.list().map(\.period) == ["2026-06", "2026-07", "2026-08", "2026-09"])
    #expect(try await months.list().map(\.rows) == [1, 0, 0, 1])
    // From before the first row, too: no statement is begun behind one that was given out.
    for (number, period) in ["2026-05", "2026-07", "2026-09"].enumerated() {
      try await book("late\(number)", nanoUSD: 10, period: period)
    }
    #expect(try await statement("2026-10").original == Money(nanoUSD: 30))
    #expect(try await months.close("2026-05", by: "ana", reason: "").month.rows == 0)
    _ = try await months.close("2026-10", by: "ana", reason: "")
    #expect(try await months.list().last?.amount == Money(nanoUSD: 30))
  }

  @Test func `closing and a statement look at the rows of their month only`() async throws {
    try await ledger.execute(
      """
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 24000)
      INSERT INTO usage_cost (event_id, job_id, run, attempt, user_id, tier, task_type, provider, model, outcome, usage,
        amount_nano_usd, basis, charge_period, occurred_at, recorded_at, billing_period)
      SELECT 'e' || n, 'j' || n, 'r', 1, 'u' || n % 100, 'PRO', 'tts', 'p', 'm', 'success', '[]', n, 'price_book',
        '20' || (10 + n % 24) || '-01', '2026-11-21T10:00:00.000Z', '2026-11-21T10:00:00.000Z',
        '20' || (10 + n % 24) || '-01'
      FROM numbers
      """)
    try await ledger.execute("ANALYZE usage_cost")
    let report = LedgerQuery(by: .user, billingPeriod: "2026-01")
    let statements =
      [(ClosedMonths.sum, "2026-01"), (ClosedMonths.nextBegun, "2026-01")]
      + Ledger.statements(of: report).map { ($0, "2026-01") }
    #expect(statements.count == 5)
    for (sql, month) in statements {
      let plan = try await ledger.plan(of: sql, month)
      #expect(plan.contains("usage_cost_billing_period"), "\(sql)\n\(plan)")
      #expect(!plan.contains("Seq Scan") && !plan.contains("SCAN usage_cost"), "\(sql)\n\(plan)")
    }
  }
}
