import Contracts
import Operations

/// How figures are written.
enum Figure {
  static let unknown = "–"

  /// `9 812`, with a space that does not break.
  static func count(_ number: Int) -> String {
    let digits = Array("\(number.magnitude)")
    var text = number < 0 ? "−" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "\u{202F}" }
      text.append(digit)
    }
    return text
  }

  static func count(_ number: Int?) -> String { number.map { count($0) } ?? unknown }

  /// `1 job`, `3 jobs`.
  static func count(_ number: Int, _ noun: String) -> String { "\(count(number)) \(noun)\(number == 1 ? "" : "s")" }

  /// `412`; one decimal below ten.
  static func rate(_ number: Double?) -> String {
    guard let number else { return unknown }
    if number >= 9.95 || number < 0.05 { return count(Int(number.rounded())) }
    let tenths = Int((number * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  /// `200 ms`, `2.4 s`, `9 min`.
  static func words(_ duration: Duration) -> String {
    duration > .zero && duration < .seconds(1)
      ? "\(duration.milliseconds) ms" : Explanation.words(duration.seconds)
  }

  /// `$41.22`, `$0.0617`: two decimals, and more where there are more.
  static func usd(_ money: Money) -> String {
    let text = money.text(atLeast: 2)
    return text.first == "-" ? "−$\(text.dropFirst())" : "$\(text)"
  }

  /// Of a decimal text; the text itself where it is none.
  static func usd(_ text: String) -> String { Money(text).map { usd($0) } ?? text }

  /// To the cent, or where it is less than a dollar to a ten-thousandth of one: of what was divided.
  static func about(_ money: Money) -> String {
    let step: Int64 = money.nanoUSD.magnitude < 1_000_000_000 ? 100_000 : 10_000_000
    let steps = (Double(money.nanoUSD) / Double(step)).rounded()
    return usd(Money(nanoUSD: Int64(steps) * step))
  }

  /// Seconds in minutes, with a decimal where there is one: `1.5`.
  static func minutes(_ seconds: ExactDecimal) -> String {
    rate(Double(seconds.rounded(toDecimals: 3)) / 60_000)
  }

  /// With one decimal, for attributes of a drawing.
  static func place(_ number: Double) -> String {
    let tenths = Int((number * 10).rounded())
    return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
  }

  /// `9 812`, `0.5`: exact.
  static func plain(_ number: ExactDecimal) -> String {
    let text = number.description
    guard let whole = Int(text) else { return text }
    return count(whole)
  }
}
