import Admission
import Billing
import Contracts
import Testing

@testable import tollway

struct RedisComparisonTests {
  private func difference(
    row: Int64, nanoUSD: Int64 = 100, jobs: Int64 = 3, open: Int64 = 0
  ) -> RedisComparison.Difference? {
    let month = UserMonth(
      userID: "anna", chargePeriod: "2026-11", amount: Money(nanoUSD: 100), jobs: 3, lastRow: 40)
    return RedisComparison.difference(
      month, (row, Spending(nanoUSD: nanoUSD, jobs: jobs), Spending(nanoUSD: open)))
  }

  @Test func `the same row with the same sums is no difference, whatever is open`() {
    #expect(difference(row: 40) == nil)
    #expect(difference(row: 40, open: 7) == nil)
  }

  @Test(arguments: [
    (0, "does not know the month", true), (39, "behind by rows 39 to 40", true), (41, "later row", false),
  ])
  func `another row says who is behind, and whether that passes`(row: Int64, why: String, passes: Bool) throws {
    let found = try #require(difference(row: row, nanoUSD: 90))
    #expect(found.why.contains(why) && found.passes == passes)
    #expect(found.ledgerUsd == "0.000000100000" && found.redisUsd == "0.000000090000")
  }

  @Test(arguments: [(99, 3), (100, 4)])
  func `the same row with other sums was written by somebody else`(nanoUSD: Int64, jobs: Int64) throws {
    let found = try #require(difference(row: 40, nanoUSD: nanoUSD, jobs: jobs))
    #expect(found.why.contains("somebody else wrote there") && !found.passes)
  }
}
