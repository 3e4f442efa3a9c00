import Contracts

/// Reads what stands below one price of the price file: its units, and the tiers by the size of the context. Pure; what
/// is wrong goes into the file's report.
enum PriceRowReader {
  static func rows(of map: ConfigMap) -> [Price.Row] {
    let rows = map.maps("unit_prices").compactMap(row)
    if rows.isEmpty, !map.has("unit_prices") {
      map.report.fault(map.path(of: "unit_prices"), "is missing; list at least one unit and its price", line: map.line)
    }
    for (index, row) in rows.enumerated() where rows[..<index].contains(where: row.isSameLine) {
      map.fault("unit_prices", "has \(row.unit.rawValue) twice for the same size, quality and resolution; remove one")
    }
    return rows
  }

  /// - Parameter base: what holds below the first tier. A tier changes of it what it names.
  static func tiers(of map: ConfigMap, over base: [Price.Row]) -> [Price.ContextTier] {
    let tiers = map.maps("context_tiers").compactMap { tier($0, over: base) }
    for (tier, next) in zip(tiers, tiers.dropFirst()) where next.above <= tier.above {
      map.fault("context_tiers", "must run from the smallest bound to the largest, each once")
    }
    return tiers
  }

  private static func tier(_ map: ConfigMap, over base: [Price.Row]) -> Price.ContextTier? {
    defer { map.warnUnknown() }
    if !map.has("above") {
      map.report.fault(map.path(of: "above"), "is missing; write a number of input tokens", line: map.line)
    }
    let above = map.whole("above", atLeast: 1)
    let changed = rows(of: map)
    for row in base where !changed.contains(where: row.isSameLine) {
      map.warn("unit_prices", "has no \(row.unit.rawValue), which keeps the price from below; write it to say so")
    }
    guard let above else { return nil }
    return Price.ContextTier(above: above, rows: changed + base.filter { !changed.contains(where: $0.isSameLine) })
  }

  private static func row(_ map: ConfigMap) -> Price.Row? {
    defer { map.warnUnknown() }
    let unit: Usage.Unit? = map.choice("unit")
    if !map.has("unit") {
      map.report.fault(map.path(of: "unit"), "is missing; write what is charged, like input_tokens", line: map.line)
    }
    if !map.has("price") {
      map.report.fault(map.path(of: "price"), "is missing; write dollars as a decimal text", line: map.line)
    }
    let digits = zerosOfPer(map)
    let each = forOne("price", digits, map)
    let reserved = forOne("reserve", digits, map)
    let dimensions = dimensions(map)
    if let unit, !dimensions.isOpen, ![.images, .videoSeconds].contains(unit) {
      map.fault("unit", "has a size, quality or resolution, which only images and video_seconds have")
    }
    let isEstimate = map.flag("estimate", default: false)
    guard let unit, let each else { return nil }
    if let reserved, reserved.isLess(than: each) ?? true { map.fault("reserve", "must not be below the price") }
    return Price.Row(unit: unit, each: each, dimensions: dimensions, isEstimate: isEstimate, reserved: reserved)
  }

  /// An amount of dollars for one unit.
  private static func forOne(_ key: String, _ digits: Int?, _ map: ConfigMap) -> ExactDecimal? {
    guard let price = map.decimal(key), let digits else { return nil }
    guard price.decimals + digits <= ExactDecimal.maximumDigits else {
      map.fault(key, "has too many decimals; \(ExactDecimal.maximumDigits) for one unit are the most")
      return nil
    }
    return ExactDecimal(mantissa: price.mantissa, decimals: price.decimals + digits)
  }

  /// The zeros of `per`.
  private static func zerosOfPer(_ map: ConfigMap) -> Int? {
    switch map.text("per") {
    case nil: return map.has("per") ? nil : 0
    case "1": return 0
    case "1000": return 3
    case "1000000": return 6
    default:
      map.fault("per", "must be 1, 1000 or 1000000")
      return nil
    }
  }

  static func dimensions(_ map: ConfigMap) -> Price.Dimensions {
    func word(_ key: String) -> String? {
      guard let text = map.text(key) else { return nil }
      if Price.Dimensions.isWord(text) { return text }
      map.fault(key, "must be a short word, like 1024x1536, hd or 1080p")
      return nil
    }
    return Price.Dimensions(size: word("size"), quality: word("quality"), resolution: word("resolution"))
  }
}

extension Price.Row {
  fileprivate func isSameLine(_ other: Price.Row) -> Bool { unit == other.unit && dimensions == other.dimensions }
}
