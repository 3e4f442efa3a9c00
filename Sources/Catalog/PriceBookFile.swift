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
    let isReadable = match != .regex || (model.map { checkPattern($0, map) } ?? true)
    let from = readTime(map, "effective_from") ?? Timestamp(milliseconds: 0)
    let to = readTime(map, "effective_to")
    if let to, to <= from { map.fault("effective_to", "must be later than effective_from") }
    let rows = PriceRowReader.rows(of: map)
    let tiers = PriceRowReader.tiers(of: map, over: rows)
    let defaultMap = map.map("defaults")
    let defaults = defaultMap.map(PriceRowReader.dimensions)
    defaultMap?.warnUnknown()
    let minimum = readMinimumCharge(map)
    let source = map.text("source")
    let checked = readTime(map, "checked")
    let note = map.text("note")
    guard let provider, let model, isReadable else { return nil }
    return Price(
      provider: provider, model: model, match: match, effectiveFrom: from, effectiveTo: to, rows: rows,
      contextTiers: tiers, minimumCharge: minimum, defaults: defaults ?? .init(), source: source, checked: checked,
      note: note)
  }

  private static func checkPattern(_ text: String, _ map: ConfigMap) -> Bool {
    do throws(NamePattern.Fault) {
      _ = try NamePattern(text)
      return true
    } catch {
      map.fault("model", "as a pattern \(error.message)")
      return false
    }
  }

  private static func readMinimumCharge(_ map: ConfigMap) -> Money {
    guard let dollars = map.decimal("min_charge") else { return .zero }
    if dollars.decimals <= 9, let amount = Money(dollars: dollars) { return amount }
    map.fault("min_charge", "must be an amount of dollars with at most 9 decimals")
    return .zero
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
}
