import Contracts

extension Money {
  /// Dollars with six decimals, or more where there are more: `0.061700`, `0.000000123`.
  var inTable: String { text(atLeast: 6) }
}
