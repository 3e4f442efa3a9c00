import Testing

@testable import Lanes

@Suite struct ByteBudgetTests {
  @Test func `bytes are given back when the last copy is gone`() {
    let budget = ByteBudget(limit: 100)
    var first: ByteBudget.Share? = budget.take(80)
    var copy = first
    #expect(!budget.isExceeded && !budget.isRelaxed)
    var second: ByteBudget.Share? = budget.take(30)
    #expect(budget.isExceeded)
    first = nil
    #expect(budget.isExceeded)
    copy = nil
    #expect(!budget.isExceeded && budget.isRelaxed)
    second = nil
    #expect(budget.isRelaxed)
    _ = (first, copy, second)
  }
}
