import Contracts

/// What can be told from the names of models: who is a relative of whom, and who takes whose place.
extension PriceCheck {
  /// Of a model's prices the one that holds, compared with those of its family: names at the same provider that differ
  /// only in their version, like `gpt-5-nano` and `gpt-5.4-nano`.
  static func families(in book: PriceBook, asOf today: Timestamp) -> [Finding] {
    let current = book.prices.filter { price in
      price.match == .exact && book.price(provider: price.provider, model: price.model, at: today) == price
    }
    return Dictionary(grouping: current) { "\($0.provider)/\(family(of: $0.model))" }.values
      .flatMap(relatives)
      .sorted { $0.description < $1.description }
  }

  /// One finding at most for each price, against the relative that is least far from it.
  private static func relatives(_ family: [Price]) -> [Finding] {
    var units: Set<Usage.Unit> = []
    for price in family { units.formUnion(price.rows.map(\.unit)) }
    var found: [String: Finding] = [:]
    for unit in units.sorted(by: { $0.rawValue < $1.rawValue }) {
      let priced: [(id: String, each: ExactDecimal)] = family.compactMap { price in
        guard let row = price.rows.first(where: { $0.unit == unit && $0.dimensions.isOpen && !$0.isEstimate }) else {
          return nil
        }
        return (price.id, row.each)
      }
      for one in priced where found[one.id] == nil {
        let others = priced.filter { $0.id != one.id && $0.each.mantissa > 0 }
        // Who is far from all its relatives is the stranger; of two, both are named.
        guard let near = others.first, others.allSatisfy({ distance(from: $0.each, to: one.each) != nil }),
          let direction = distance(from: near.each, to: one.each)
        else { continue }
        found[one.id] = Finding(
          kind: .jump, priceID: one.id,
          message: "\(unit.rawValue) is \(jumpFactor) times \(direction) than in \(near.id) of its family, or more; "
            + "check the decimal point")
      }
    }
    return Array(found.values)
  }

  /// The words of a name that are no version: `gpt-5.4-nano` and `gpt-5-nano` are both `gpt-nano`.
  private static func family(of model: String) -> String {
    let words = model.split(whereSeparator: { "-_/@: ".contains($0) })
    let kept = words.filter { word in
      !["latest", "preview"].contains(word) && !word.isVersion
    }
    return kept.joined(separator: "-")
  }

  static func shadows(in book: PriceBook) -> [Finding] {
    var findings: [Finding] = []
    var seen: Set<String> = []
    for price in book.prices where price.match != .exact {
      guard seen.insert("\(price.provider) \(price.match.rawValue) \(price.model)").inserted else { continue }
      guard let fits = matcher(of: price) else { continue }
      var named: Set<String> = []
      for other in book.prices where other.provider == price.provider && fits(other.model) {
        let isBefore = other.match == .exact || (other.match == .prefix && price.match == .regex)
        guard isBefore, named.insert(other.model).inserted else { continue }
        let kind = other.match == .exact ? "the exact name" : "the beginning"
        findings.append(
          Finding(
            kind: .shadow, priceID: price.id,
            message: "also fits \(other.model), which has a price of its own; \(kind) counts, even where that has a gap"
          ))
      }
    }
    return findings
  }

  private static func matcher(of price: Price) -> ((String) -> Bool)? {
    switch price.match {
    case .exact: return nil
    case .prefix: return { $0.hasPrefix(price.model) }
    case .regex:
      do throws(NamePattern.Fault) {
        let pattern = try NamePattern(price.model)
        return { pattern.matches($0) }
      } catch {
        fatalError("Bug: a price whose pattern \(error.message) was accepted")
      }
    }
  }
}

extension Substring {
  /// `5`, `5.4`, `4o`, `v2`, `20250929`.
  fileprivate var isVersion: Bool {
    guard let first = drop(while: { $0 == "v" }).first else { return false }
    return first.isNumber
  }
}
