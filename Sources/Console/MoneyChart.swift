import Contracts
import Operations

/// What each of the last days cost, a stack for each day and a colour for each tier. Heights are drawn; figures come
/// from the sums themselves.
struct MoneyChart {
  private static let top = 14.0
  private static let bottom = 200.0
  private static let left = 70.0
  private static let step = 48.5
  static let tones = 6

  let ticks: [Fields]
  let bars: [Fields]
  /// The line of the fleet's budget, a day's share of it; nil where there is none or it is far above all bars.
  let cap: Fields?
  /// The same in words.
  let capSays: String?

  init(_ money: MoneySample, tiers: [String]) {
    let most = money.days.map(\.total.amount.nanoUSD).max() ?? 0
    let budget = money.budgets.first { $0.scope == "fleet" }
    let daily = budget.map { $0.limit.nanoUSD / Int64(Self.days(in: money.month)) }
    let isDrawn = daily.map { most > 0 && $0 <= most * 3 } ?? false
    let full = Self.round(up: max(most, isDrawn ? daily ?? 0 : 0, 1_000_000))
    func y(_ nano: Int64) -> Double { Self.bottom - Double(nano) / Double(full) * (Self.bottom - Self.top) }
    ticks = (0...4).map { quarter in
      let at = y(full / 4 * Int64(quarter))
      return [
        "y": Figure.place(at), "ty": Figure.place(at + 4),
        "label": Figure.usd(Money(nanoUSD: full / 4 * Int64(quarter))),
      ]
    }
    bars = money.days.enumerated().map { index, day in
      var base: Int64 = 0
      let x = Self.left + Double(index) * Self.step
      let parts = tiers.enumerated().compactMap { tone, tier -> Fields? in
        guard let amount = day.tiers[tier]?.amount.nanoUSD, amount > 0 else { return nil }
        defer { base += amount }
        return [
          "tone": "t\(tone % Self.tones)", "x": Figure.place(x), "y": Figure.place(y(base + amount)),
          "h": Figure.place(y(base) - y(base + amount)),
        ]
      }
      let each = tiers.compactMap { tier in day.tiers[tier].map { "\(tier) \(Figure.usd($0.amount))" } }
      return [
        "title":
          "\(day.day): \(Figure.usd(day.total.amount))\(each.isEmpty ? "" : " (\(each.joined(separator: ", ")))")",
        "label": String(day.day.suffix(5)), "middle": Figure.place(x + 17), "parts": parts,
      ]
    }
    cap =
      isDrawn
      ? daily.map { ["y": Figure.place(y($0))] } : nil
    capSays = daily.map { daily in
      "A day's share of the fleet's budget is \(Figure.about(Money(nanoUSD: daily)))"
        + (isDrawn ? ", the dashed line." : ", far above this chart.")
    }
  }

  /// To one, two, four, six or eight times a power of ten, so that quarters of it are plain.
  private static func round(up value: Int64) -> Int64 {
    var power: Int64 = 1
    while power <= value / 10 { power *= 10 }
    for factor in [1, 2, 4, 6, 8, 10] as [Int64] where power * factor >= value { return power * factor }
    return power * 10
  }

  private static func days(in month: String) -> Int {
    let parts = month.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 2 else { return 30 }
    switch parts[1] {
    case 4, 6, 9, 11: return 30
    case 2: return parts[0] % 4 == 0 && (parts[0] % 100 != 0 || parts[0] % 400 == 0) ? 29 : 28
    default: return 31
    }
  }
}
