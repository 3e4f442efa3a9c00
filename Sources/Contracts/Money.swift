/// An amount in US dollars as a whole number of nano-dollars (10^-9 USD), the unit of the ledger and of Redis.
/// 64 bits hold 9.2 thousand million dollars; Redis scripts calculate in doubles and are exact to 2^53, 9 million.
package struct Money: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var nanoUSD: Int64

  package static let zero = Money(nanoUSD: 0)

  package init(nanoUSD: Int64) { self.nanoUSD = nanoUSD }

  /// An amount in dollars, rounded half to even to nano-dollars. Nil when it does not fit 64 bits.
  package init?(dollars: ExactDecimal) {
    guard let value = Int64(exactly: dollars.rounded(toDecimals: 9)) else { return nil }
    nanoUSD = value
  }

  /// Reads `0.061700000000`; nil unless it is a decimal number.
  package init?(_ text: some StringProtocol) {
    guard let decimal = ExactDecimal(text) else { return nil }
    self.init(dollars: decimal)
  }

  package static func < (left: Money, right: Money) -> Bool { left.nanoUSD < right.nanoUSD }
  package static func + (left: Money, right: Money) -> Money { Money(nanoUSD: left.nanoUSD + right.nanoUSD) }
  package static func - (left: Money, right: Money) -> Money { Money(nanoUSD: left.nanoUSD - right.nanoUSD) }

  /// Dollars with twelve decimals, the form of every message: `0.061700000000`.
  package var description: String {
    let (dollars, nano) = nanoUSD.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    // A digit before the fraction of a dollar keeps its leading zeros.
    let fraction = String(1_000_000_000 + nano).dropFirst()
    return "\(nanoUSD < 0 ? "-" : "")\(dollars).\(fraction)000"
  }

  /// Dollars with so many decimals, and more only where there are more: `0.10`, `0.0617` with two.
  package func text(atLeast decimals: Int) -> String {
    var text = Substring(description)
    var spare = 12 - decimals
    while spare > 0, text.last == "0" {
      text.removeLast()
      spare -= 1
    }
    return String(text)
  }
}
