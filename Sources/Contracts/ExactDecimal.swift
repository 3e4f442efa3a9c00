/// A decimal number as integer mantissa and count of decimals, so that quantities and prices never pass through a
/// binary fraction. Sums and products are exact; only `rounded(toDecimals:)` rounds, half to even.
package struct ExactDecimal: Sendable, Hashable, CustomStringConvertible {
  /// The number is `mantissa / 10^decimals`.
  package var mantissa: Int128
  package var decimals: Int

  /// Digits beyond this many are refused when reading: no price and no quantity of ours needs them, and a product of
  /// two stays far inside 128 bits.
  package static let maximumDigits = 18

  package static let zero = ExactDecimal(0)

  package init(_ whole: Int) { self.init(mantissa: Int128(whole), decimals: 0) }

  package init(mantissa: Int128, decimals: Int) {
    self.mantissa = mantissa
    self.decimals = decimals
  }

  /// Reads `-12.50`, `12`, `1.5e-07`. Nil for anything else and for numbers of more than 18 digits or decimals.
  package init?(_ text: some StringProtocol) { self.init(utf8: text.utf8) }

  package init?(utf8 text: some Collection<UInt8>) {
    var mantissa: Int128 = 0
    var decimals = 0
    var digits = 0
    var digitsRead = false
    var negative = false
    var seenPoint = false
    var exponent = 0
    var bytes = text[...]
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      negative = sign == UInt8(ascii: "-")
      bytes = bytes.dropFirst()
    }
    while let byte = bytes.first {
      bytes = bytes.dropFirst()
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        mantissa = mantissa * 10 + Int128(byte - UInt8(ascii: "0"))
        digitsRead = true
        if mantissa != 0 || seenPoint { digits += 1 }
        if seenPoint { decimals += 1 }
        guard digits <= 30 else { return nil }
      case UInt8(ascii: ".") where !seenPoint:
        seenPoint = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        guard digitsRead, let value = Int(String(decoding: bytes, as: UTF8.self)), (-30...30).contains(value) else {
          return nil
        }
        exponent = value
        bytes = bytes[bytes.endIndex...]
      default: return nil
      }
    }
    guard digitsRead else { return nil }
    decimals -= exponent
    while decimals < 0, mantissa != 0 {
      guard mantissa < ExactDecimal.power(Self.maximumDigits) else { return nil }
      mantissa *= 10
      decimals += 1
    }
    if mantissa == 0 { decimals = 0 }
    while decimals > 0, mantissa % 10 == 0 {
      mantissa /= 10
      decimals -= 1
    }
    guard decimals <= Self.maximumDigits, mantissa < ExactDecimal.power(Self.maximumDigits) else { return nil }
    self.mantissa = negative ? -mantissa : mantissa
    self.decimals = decimals
  }

  package static func power(_ exponent: Int) -> Int128 {
    var value: Int128 = 1
    for _ in 0..<exponent { value *= 10 }
    return value
  }

  package static func * (left: ExactDecimal, right: ExactDecimal) -> ExactDecimal {
    ExactDecimal(mantissa: left.mantissa * right.mantissa, decimals: left.decimals + right.decimals)
  }

  package static func + (left: ExactDecimal, right: ExactDecimal) -> ExactDecimal {
    let decimals = max(left.decimals, right.decimals)
    return ExactDecimal(
      mantissa: left.mantissa * power(decimals - left.decimals) + right.mantissa * power(decimals - right.decimals),
      decimals: decimals)
  }

  /// The mantissa of this number at the given count of decimals, rounded half to even.
  package func rounded(toDecimals target: Int) -> Int128 {
    guard decimals > target else { return mantissa * ExactDecimal.power(target - decimals) }
    let divisor = ExactDecimal.power(decimals - target)
    let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: divisor)
    let twice = abs(remainder) * 2
    let away: Int128 = mantissa < 0 ? -1 : 1
    if twice > divisor || (twice == divisor && quotient % 2 != 0) { return quotient + away }
    return quotient
  }

  /// Plain decimal notation without an exponent and without trailing zeros.
  package var description: String {
    var value = self
    while value.decimals > 0, value.mantissa % 10 == 0 {
      value.mantissa /= 10
      value.decimals -= 1
    }
    guard value.decimals > 0 else {
      // The general conversion of 128 bits costs ten times as much.
      return Int64(exactly: value.mantissa).map { String($0) } ?? String(value.mantissa)
    }
    let digits = String(abs(value.mantissa))
    let padded = String(repeating: "0", count: max(0, value.decimals + 1 - digits.count)) + digits
    return (value.mantissa < 0 ? "-" : "") + padded.dropLast(value.decimals) + "." + padded.suffix(value.decimals)
  }
}
