import Contracts

extension Money {
  /// Dollars with six decimals, or more where there are more: `0.061700`, `0.000000123`.
  var inTable: String {
    var text = Substring(description)
    guard let point = text.firstIndex(of: ".") else { return description }
    let shortest = text.index(point, offsetBy: 7)
    while text.endIndex > shortest, text.last == "0" { text.removeLast() }
    return String(text)
  }
}
