package import Contracts

/// The lint of a price book: finds figures that can be read but hardly be meant. Pure; judges by the day it is given.
package enum PriceCheck {
  package struct Finding: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
      /// Fifty times dearer or cheaper than the model's price before, or than a model of the same family.
      case jump
      /// Looks as if a price for a million was typed for one, or the other way round.
      case scale
      /// Tokens are charged on one side only.
      case missingSide = "missing_side"
      /// Two units of one price do not fit each other.
      case relation
      /// A tier by context is cheaper than what holds below it.
      case tier
      /// Everything is free.
      case free
      /// Two prices of a model hold at the same time.
      case overlap
      /// No price holds for a while.
      case gap
      /// Also fits names that another price takes.
      case shadow
      /// Not compared with its source for long.
      case stale
      case missingSource = "missing_source"
    }

    package var kind: Kind
    package var priceID: String
    package var message: String

    package var description: String { "\(priceID): \(message)" }
  }

  package static let jumpFactor = 50
  package static let staleDays = 180

  package static func findings(in book: PriceBook, asOf today: Timestamp) -> [Finding] {
    var findings: [Finding] = []
    var before: Price?
    for (index, price) in book.prices.enumerated() {
      let isLast = index + 1 == book.prices.count || !book.prices[index + 1].isOfSameModel(as: price)
      findings += figures(of: price) + origin(price, isLast: isLast, asOf: today)
      if let before, before.isOfSameModel(as: price) {
        findings += jumps(from: before, to: price) + calendar(from: before, to: price)
      }
      if isLast, let end = price.effectiveTo, end <= today {
        let message = "ended on \(end.description.prefix(10)) and none follows; write the next, or remove effective_to"
        findings.append(Finding(kind: .gap, priceID: price.id, message: message))
      }
      before = price
    }
    return findings + families(in: book, asOf: today) + shadows(in: book)
  }

  private static func jumps(from old: Price, to new: Price) -> [Finding] {
    var findings = jumps(from: old.rows, of: old.id, to: new.rows, of: new.id)
    for tier in new.contextTiers {
      guard let former = old.contextTiers.first(where: { $0.above == tier.above }) else { continue }
      findings += jumps(from: former.rows, of: old.id, to: tier.rows, of: new.id)
    }
    return findings
  }

  private static func jumps(
    from old: [Price.Row], of oldID: String, to new: [Price.Row], of newID: String
  ) -> [Finding] {
    new.compactMap { row in
      guard let former = old.first(where: { $0.unit == row.unit && $0.dimensions == row.dimensions }),
        let direction = distance(from: former.each, to: row.each)
      else { return nil }
      return Finding(
        kind: .jump, priceID: newID,
        message: "\(row.unit.rawValue) is \(jumpFactor) times \(direction) than in \(oldID), or more; "
          + "check the decimal point")
    }
  }

  /// `dearer` or `cheaper` where two prices are fifty times apart; what is free is not compared.
  static func distance(from old: ExactDecimal, to new: ExactDecimal) -> String? {
    guard old.mantissa > 0, new.mantissa > 0 else { return nil }
    let factor = ExactDecimal(jumpFactor)
    if !(new.isLess(than: old * factor) ?? false) { return "dearer" }
    return old.isLess(than: new * factor) ?? false ? nil : "cheaper"
  }

  private static func calendar(from old: Price, to new: Price) -> [Finding] {
    guard let end = old.effectiveTo, end != new.effectiveFrom else { return [] }
    if end > new.effectiveFrom {
      return [
        Finding(
          kind: .overlap, priceID: new.id,
          message: "begins before \(old.id) ends; the later one counts. Set effective_to there to the day this begins")
      ]
    }
    return [
      Finding(
        kind: .gap, priceID: new.id,
        message: "begins after \(old.id) ends; the model has no price in between. Close the gap")
    ]
  }

  /// - Parameter isLast: whether it is the model's newest; nobody can compare a former one with anything any more.
  private static func origin(_ price: Price, isLast: Bool, asOf today: Timestamp) -> [Finding] {
    var findings: [Finding] = []
    if price.source == nil {
      findings.append(
        Finding(kind: .missingSource, priceID: price.id, message: "source is missing; say where the figures are from"))
    }
    guard let checked = price.checked else {
      return findings + [
        Finding(kind: .stale, priceID: price.id, message: "checked is missing; write the day the figures were compared")
      ]
    }
    if isLast, today.milliseconds - checked.milliseconds > Int64(staleDays) * 86_400_000 {
      findings.append(
        Finding(
          kind: .stale, priceID: price.id,
          message: "was last checked on \(checked.description.prefix(10)), more than \(staleDays) days ago"))
    }
    return findings
  }
}

extension Price {
  fileprivate func isOfSameModel(as other: Price) -> Bool {
    provider == other.provider && model == other.model && match == other.match
  }
}
