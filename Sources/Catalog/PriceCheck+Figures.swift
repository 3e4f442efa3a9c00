import Contracts

/// Figures of one price that can hardly be meant.
extension PriceCheck {
  static func figures(of price: Price) -> [Finding] {
    func finding(_ kind: Finding.Kind, _ message: String) -> Finding {
      Finding(kind: kind, priceID: price.id, message: message)
    }
    var findings = sides(price.rows).map { finding(.missingSide, $0) }
    for rows in [price.rows] + price.contextTiers.map(\.rows) {
      findings += scale(rows).map { finding(.scale, $0) } + relations(rows).map { finding(.relation, $0) }
    }
    findings += tiers(price).map { finding(.tier, $0) }
    let isFree = price.rows.allSatisfy { $0.each.mantissa == 0 } && price.minimumCharge == .zero
    if isFree, !price.rows.isEmpty {
      findings.append(finding(.free, "costs nothing in any unit; correct it, or remove it where the provider is free"))
    }
    var seen: Set<Finding> = []
    return findings.filter { seen.insert($0).inserted }
  }

  /// Beyond these bounds lies no price that is known: the dearest model is far below a thousand dollars a million
  /// tokens, the cheapest cached token above a hundredth of a cent a million.
  private static func scale(_ rows: [Price.Row]) -> [String] {
    rows.compactMap { row in
      guard row.each.mantissa > 0 else { return nil }
      let (lowest, highest): (ExactDecimal, ExactDecimal) =
        switch row.unit {
        case .images, .videoSeconds, .requests: (.init(mantissa: 1, decimals: 6), .init(100))
        case .audioSeconds: (.init(mantissa: 1, decimals: 8), .init(1))
        default: (.init(mantissa: 1, decimals: 10), .init(mantissa: 1, decimals: 3))
        }
      if highest.isLess(than: row.each) ?? false {
        return "one of \(row.unit.rawValue) costs \(row.each) USD; probably the price for 1000000: set per"
      }
      if row.each.isLess(than: lowest) ?? false {
        return "one of \(row.unit.rawValue) costs only \(row.each) USD; probably the price for one: remove per"
      }
      return nil
    }
  }

  private static func sides(_ rows: [Price.Row]) -> [String] {
    let units = Set(rows.map(\.unit))
    let hasInput = !units.isDisjoint(with: [.inputTokens, .inputAudioTokens, .inputImageTokens])
    let hasOutput = !units.isDisjoint(with: [.outputTokens, .outputAudioTokens, .outputImageTokens])
    let kept: Set<Usage.Unit> = [.cachedInputTokens, .cacheWriteTokens, .cacheWrite1hTokens]
    let isCachedOnly = !hasInput && !units.isDisjoint(with: kept)
    guard hasInput != hasOutput || isCachedOnly else { return [] }
    let missing = hasInput ? "output_tokens" : "input_tokens"
    return ["\(missing) has no price and would cost nothing; write it, with \"0\" where it is free"]
  }

  /// How the units of one price stand to each other at every provider that is known. What is free is not compared.
  private static func relations(_ rows: [Price.Row]) -> [String] {
    func each(_ unit: Usage.Unit) -> ExactDecimal? {
      rows.first { $0.unit == unit && !$0.isEstimate && $0.each.mantissa > 0 }?.each
    }
    func isAbove(_ unit: Usage.Unit, _ factor: Int, _ other: Usage.Unit) -> Bool {
      guard let price = each(unit), let other = each(other) else { return false }
      return (other * ExactDecimal(factor)).isLess(than: price) ?? false
    }
    var found: [String] = []
    if isAbove(.cachedInputTokens, 1, .inputTokens) {
      found.append("reading from the cache is dearer than plain input; the two may be mixed up")
    }
    if isAbove(.outputTokens, jumpFactor - 1, .inputTokens) {
      found.append("output is about \(jumpFactor) times as dear as input or more; check the decimal point")
    }
    if isAbove(.inputTokens, 1, .outputTokens) {
      found.append("input is dearer than output; the two may be mixed up, or be of two service classes")
    }
    if isAbove(.cacheWriteTokens, 1, .cacheWrite1hTokens) {
      found.append("writing to the cache for an hour is cheaper than for minutes; the two may be mixed up")
    }
    for unit in [Usage.Unit.cacheWriteTokens, .cacheWrite1hTokens] where isAbove(unit, 4, .inputTokens) {
      found.append("\(unit.rawValue) is more than 4 times as dear as input; 1.25 times is usual, 2 times for an hour")
    }
    return found
  }

  private static func tiers(_ price: Price) -> [String] {
    var below = price.rows
    var found: [String] = []
    for tier in price.contextTiers {
      for row in tier.rows {
        guard let former = below.first(where: { $0.unit == row.unit && $0.dimensions == row.dimensions }),
          row.each.isLess(than: former.each) ?? false
        else { continue }
        found.append("\(row.unit.rawValue) is cheaper above \(tier.above) input tokens than below")
      }
      below = tier.rows
    }
    return found
  }
}
