import Catalog
import Contracts

/// A price as JSON; each line's `usd` is for one unit.
struct PriceRow: Encodable {
  struct Line: Encodable {
    let unit, usd: String
    let reserve, size, quality, resolution: String?
    let estimate: Bool

    init(_ row: Price.Row) {
      unit = row.unit.rawValue
      usd = row.each.description
      reserve = row.reserved?.description
      size = row.dimensions.size
      quality = row.dimensions.quality
      resolution = row.dimensions.resolution
      estimate = row.isEstimate
    }
  }

  struct Tier: Encodable {
    let above: Int
    let prices: [Line]
  }

  struct Defaults: Encodable {
    let size, quality, resolution: String?
  }

  let id, provider, model, match, effectiveFrom: String
  let effectiveTo, source, checked, note: String?
  let currency = "USD"
  let minCharge: String?
  let defaults: Defaults?
  let prices: [Line]
  let contextTiers: [Tier]

  init(_ price: Price) {
    id = price.id
    provider = price.provider
    model = price.model
    match = price.match.rawValue
    effectiveFrom = price.effectiveFrom.description
    effectiveTo = price.effectiveTo?.description
    source = price.source
    checked = price.checked.map { String($0.description.prefix(10)) }
    note = price.note
    minCharge = price.minimumCharge > .zero ? price.minimumCharge.description : nil
    defaults =
      price.defaults.isOpen
      ? nil
      : Defaults(size: price.defaults.size, quality: price.defaults.quality, resolution: price.defaults.resolution)
    prices = price.rows.map(Line.init)
    contextTiers = price.contextTiers.map { Tier(above: $0.above, prices: $0.rows.map(Line.init)) }
  }
}
