import Contracts
import Operations
import Testing

@testable import Console

@Suite struct FiguresTests {
  @Test func `figures read as people write them`() {
    #expect(Figure.count(7) == "7" && Figure.count(9812) == "9\u{202F}812" && Figure.count(1_234_567).count == 9)
    #expect(Figure.count(1, "job") == "1 job" && Figure.count(0, "job") == "0 jobs")
    #expect(
      Figure.rate(nil) == "–" && Figure.rate(7.44) == "7.4" && Figure.rate(3) == "3" && Figure.rate(411.6) == "412")
    #expect(Figure.rate(9.97) == "10" && Figure.rate(0.01) == "0")
  }

  @Test func `money keeps every digit that counts`() {
    #expect(Figure.usd(Money(nanoUSD: 41_220_000_000)) == "$41.22")
    #expect(Figure.usd(Money(nanoUSD: 61_700_000)) == "$0.0617")
    #expect(Figure.usd(Money(nanoUSD: 1)) == "$0.000000001")
    #expect(Figure.usd(.zero) == "$0.00" && Figure.usd(Money(nanoUSD: -5_000_000_000)) == "−$5.00")
    #expect(Figure.usd("not a number") == "not a number")
  }

  @Test func `what was divided is rounded`() {
    #expect(Figure.about(Money(nanoUSD: 166_666_666_666)) == "$166.67")
    #expect(Figure.about(Money(nanoUSD: 3_333_333)) == "$0.0033" && Figure.about(.zero) == "$0.00")
  }

  @Test func `seconds of video are minutes where minutes are granted`() {
    #expect(Figure.minutes(ExactDecimal(90)) == "1.5" && Figure.minutes(ExactDecimal(3600)) == "60")
    #expect(Figure.minutes(.zero) == "0")
  }

  @Test func `places in a drawing have one decimal`() {
    #expect(Figure.place(0) == "0.0" && Figure.place(12.34) == "12.3" && Figure.place(-0.5) == "-0.5")
  }

  @Test func `a row of the chart adds up to its day`() {
    let money = Sample().money
    let html = Console.money(money, Sample().chrome)
    for day in money.days { #expect(html.contains("<b>\(Figure.usd(day.total.amount))</b>"), "\(day.day)") }
    let chart = MoneyChart(money, tiers: ["FREE", "PLUS", "PRO"])
    #expect(chart.bars.count == 14 && chart.cap != nil)
  }

  @Test func `a budget far above all bars does not press them flat`() {
    var money = Sample().money
    money.budgets = [.init(scope: "fleet", limit: Money(nanoUSD: 3_000_000_000_000), used: .zero)]
    let chart = MoneyChart(money, tiers: [])
    #expect(chart.cap == nil && chart.capSays?.hasSuffix("far above this chart.") == true)
  }
}
