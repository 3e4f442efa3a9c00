import Contracts
import Operations

/// One limit of a user as a bar: what is used, what is held, what is left, and when it begins anew.
struct UserBar {
  let row: Fields

  /// Nil for what is not a limit of its own.
  init?(_ limit: UserLimit, _ usage: UserUsage) {
    let month = Self.nextMonth(usage.period)
    switch limit.name {
    case .concurrency:
      row = Self.bar(
        limit, used: ExactDecimal(usage.running), held: .zero, unit: { Figure.plain($0) })
    case .monthlyUsd:
      row = Self.bar(
        limit, used: ExactDecimal(usage.used.usd) ?? .zero,
        held: ExactDecimal(usage.reserved.usd) ?? .zero, resets: month, unit: { Figure.usd("\($0)") })
    case .tokens:
      row = Self.bar(
        limit, used: ExactDecimal(Int(usage.used.tokens)),
        held: ExactDecimal(Int(usage.reserved.tokens)), resets: month, unit: { Figure.plain($0) })
    case .audioSeconds:
      row = Self.bar(
        limit, used: ExactDecimal(usage.used.audioSeconds) ?? .zero,
        held: ExactDecimal(usage.reserved.audioSeconds) ?? .zero, resets: month, unit: { Figure.plain($0) })
    case .videoMinutes:
      row = Self.bar(
        limit, used: ExactDecimal(usage.used.videoSeconds) ?? .zero,
        held: ExactDecimal(usage.reserved.videoSeconds) ?? .zero, perUnit: 60, resets: month,
        unit: { Figure.minutes($0) })
    case .jobs:
      row = Self.bar(
        limit, used: ExactDecimal(Int(usage.used.jobs)), held: ExactDecimal(Int(usage.reserved.jobs)),
        resets: month, unit: { Figure.plain($0) })
    case .hardStop: return nil
    case .rpm, .rps, .burst:
      guard let value = limit.value else { return nil }
      row = Self.made(
        limit, says: "at most \(value)")
    }
  }

  private static func made(
    _ limit: UserLimit, says: String, bar: Fields? = nil, resets: String? = nil
  ) -> Fields {
    fields([
      "name": limit.name.label, "origin": limit.origin == .override ? "set for this user" : "of the tier", "says": says,
      "bar": bar,
      "resets": resets,
    ])
  }

  /// - Parameter perUnit: how many of what is counted one of the limit is.
  private static func bar(
    _ limit: UserLimit, used: ExactDecimal, held: ExactDecimal, perUnit: Int = 1,
    resets: String? = nil, unit: (ExactDecimal) -> String
  ) -> Fields {
    guard let most = limit.value.flatMap({ ExactDecimal($0) }).map({ $0 * ExactDecimal(perUnit) }), Self.nano(most) > 0
    else {
      return Self.made(
        limit, says: limit.value == nil ? "\(unit(used)), no limit" : "none may be used")
    }
    let both = used + held
    let left = ExactDecimal(mantissa: max(0, Self.nano(most) - Self.nano(both)), decimals: 9)
    let heldWords = Self.nano(held) > 0 ? " + \(unit(held)) held" : ""
    let share = Self.percent(used, most)
    return Self.made(
      limit, says: "\(unit(used))\(heldWords) of \(unit(most)), \(unit(left)) left",
      bar: [
        "used": Figure.place(share), "both": Figure.place(Self.percent(both, most)),
        "tone": share >= 100 ? "bad" : share >= 80 ? "warn" : "",
      ],
      resets: resets.map { "begins anew on \($0)" })
  }

  private static func percent(_ part: ExactDecimal, _ whole: ExactDecimal) -> Double {
    min(100, Double(nano(part)) / Double(nano(whole)) * 100)
  }

  private static func nano(_ number: ExactDecimal) -> Int128 { number.rounded(toDecimals: 9) }

  /// `2026-12-01` of `2026-11`.
  private static func nextMonth(_ period: String) -> String? {
    let parts = period.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 2 else { return nil }
    let (year, month) = parts[1] == 12 ? (parts[0] + 1, 1) : (parts[0], parts[1] + 1)
    return "\(year)-\(month < 10 ? "0" : "")\(month)-01"
  }
}
