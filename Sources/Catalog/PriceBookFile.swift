import Contracts

/// Reads the price file, `provider_costs.yml`. Pure, and exact: a price goes from its text to an integer and a count of
/// decimals. What is only suspicious is found by `PriceCheck`.
package enum PriceBookFile {
  /// The text of `provider_costs.yml` as it was when this program was built.
  package static var builtIn: String { Defaults.prices }

  package static func read(text: String) throws(FileFault) -> (PriceBook, [FileNotice]) {
    let report = FileReport()
    guard let root = ConfigMap.root(try ConfigNode.parse(text), report: report) else {
      throw FileFault(report.faults)
    }
    if root.whole("version", atLeast: 1) ?? 1 != 1 { root.fault("version", "must be 1, the only one there is") }
    checkCurrency(root)
    var prices: [Price] = []
    var seen: Set<String> = []
    for map in root.maps("prices") {
      guard let price = readPrice(map) else { continue }
      if seen.insert("\(price.match.rawValue) \(price.id)").inserted {
        prices.append(price)
      } else {
        map.report.fault(map.path, "is the second price of the model from that instant; remove one", line: map.line)
      }
    }
    if !root.has("prices") { root.fault("prices", "must be a list of prices") }
    root.warnUnknown()
    return (PriceBook(prices), try report.settle())
  }

  private static func readPrice(_ map: ConfigMap) -> Price? {
    defer { map.warnUnknown() }
    checkCurrency(map)
    let provider = map.requiredText("provider", fix: "write its name in the policy file")
    let model = map.requiredText("model", fix: "write the model's name as its provider knows it")
    let match: Price.Match = map.choice("match") ?? .exact
    let from = readTime(map, "effective_from") ?? Timestamp(milliseconds: 0)
    let to = readTime(map, "effective_to")
    if let to, to <= from { map.fault("effective_to", "must be later than effective_from") }
    let rows = map.maps("unit_prices").compactMap(readRow)
    if rows.isEmpty, !map.has("unit_prices") {
      map.report.fault(map.path(of: "unit_prices"), "is missing; list at least one unit and its price", line: map.line)
    }
    checkRepeated(rows, map)
    let defaultMap = map.map("defaults")
    let defaults = defaultMap.map(readDimensions)
    defaultMap?.warnUnknown()
    let source = map.text("source")
    let checked = readTime(map, "checked")
    _ = map.text("note")
    guard let provider, let model else { return nil }
    return Price(
      provider: provider, model: model, match: match, effectiveFrom: from, effectiveTo: to, rows: rows,
      defaults: defaults ?? .init(), source: source, checked: checked)
  }

  private static func readRow(_ map: ConfigMap) -> Price.Row? {
    defer { map.warnUnknown() }
    let unit: Usage.Unit? = map.choice("unit")
    if !map.has("unit") {
      map.report.fault(map.path(of: "unit"), "is missing; write what is charged, like input_tokens", line: map.line)
    }
    if !map.has("price") {
      map.report.fault(map.path(of: "price"), "is missing; write dollars as a decimal text", line: map.line)
    }
    let price = map.decimal("price")
    let digits = readPer(map)
    let dimensions = readDimensions(map)
    let isEstimate = map.flag("estimate", default: false)
    guard let unit, let price, let digits else { return nil }
    guard price.decimals + digits <= ExactDecimal.maximumDigits else {
      map.fault("price", "has too many decimals; \(ExactDecimal.maximumDigits) for one unit are the most")
      return nil
    }
    let each = ExactDecimal(mantissa: price.mantissa, decimals: price.decimals + digits)
    return Price.Row(unit: unit, each: each, dimensions: dimensions, isEstimate: isEstimate)
  }

  /// The zeros of `per`.
  private static func readPer(_ map: ConfigMap) -> Int? {
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

  private static func readDimensions(_ map: ConfigMap) -> Price.Dimensions {
    Price.Dimensions(size: map.text("size"), quality: map.text("quality"))
  }

  /// A day (midnight UTC) or an RFC 3339 time.
  private static func readTime(_ map: ConfigMap, _ key: String) -> Timestamp? {
    guard let text = map.text(key) else { return nil }
    if let time = Timestamp(text.utf8.count == 10 ? text + "T00:00:00Z" : text) { return time }
    map.fault(key, "must be a day like 2026-11-21 or a time like 2026-11-21T10:15:00Z")
    return nil
  }

  private static func checkCurrency(_ map: ConfigMap) {
    if let currency = map.text("currency"), currency != "USD" {
      map.fault("currency", "must be USD; the ledger is kept in dollars")
    }
  }

  private static func checkRepeated(_ rows: [Price.Row], _ map: ConfigMap) {
    for (index, row) in rows.enumerated()
    where rows[..<index].contains(where: { $0.unit == row.unit && $0.dimensions == row.dimensions }) {
      map.fault("unit_prices", "has \(row.unit.rawValue) twice for the same size and quality; remove one")
    }
  }
}
