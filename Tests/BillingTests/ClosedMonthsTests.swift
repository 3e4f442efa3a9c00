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
    for (month, word) in [("2026-11", "over"), ("2026-12", "over"), ("2026-13", "month"), ("2026-10", "2026-09")] {
      let error = await #expect(throws: LedgerError.self) { try await months.close(month, by: "ana", reason: "") }
      #expect(error?.code == .refused && error?.message.contains(word) ?? false)
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
}
