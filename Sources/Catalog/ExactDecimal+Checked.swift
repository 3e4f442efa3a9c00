import Contracts

/// Arithmetic for quantities that others state: a hostile number is answered with nil instead of a trap.
extension ExactDecimal {
  func times(_ other: ExactDecimal) -> ExactDecimal? {
    let (mantissa, overflow) = mantissa.multipliedReportingOverflow(by: other.mantissa)
    return overflow ? nil : ExactDecimal(mantissa: mantissa, decimals: decimals + other.decimals)
  }

  func plus(_ other: ExactDecimal) -> ExactDecimal? {
    let decimals = max(decimals, other.decimals)
    guard let left = mantissa(at: decimals), let right = other.mantissa(at: decimals) else { return nil }
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? nil : ExactDecimal(mantissa: sum, decimals: decimals)
  }

  /// Nil only where the two are too far apart to be compared in 128 bits.
  func isLess(than other: ExactDecimal) -> Bool? {
    let decimals = max(decimals, other.decimals)
    guard let left = mantissa(at: decimals), let right = other.mantissa(at: decimals) else { return nil }
    return left < right
  }

  /// The number as dollars, rounded to nano-dollars: half to even, or up where money is reserved.
  func money(roundingUp: Bool) -> Money? {
    guard decimals > 9 || mantissa(at: 9) != nil else { return nil }
    var nano = rounded(toDecimals: 9)
    if roundingUp, ExactDecimal(mantissa: nano, decimals: 9).isLess(than: self) ?? false { nano += 1 }
    return Int64(exactly: nano).map(Money.init(nanoUSD:))
  }

  /// The mantissa of the same number written with more decimals, nil when it does not fit.
  private func mantissa(at target: Int) -> Int128? {
    guard target - decimals <= 38 else { return mantissa == 0 ? 0 : nil }
    let (value, overflow) = mantissa.multipliedReportingOverflow(by: ExactDecimal.power(target - decimals))
    return overflow ? nil : value
  }
}
