package import Contracts

/// The lint of a price book: finds figures that can be read but hardly be meant. Pure; judges by the day it is given.
package enum PriceCheck {
  package struct Finding: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
      /// Fifty times dearer or cheaper than the model's price before.
      case jump
      /// Looks as if a price for a million was typed for one, or the other way round.
      case scale
      /// Tokens are charged on one side only.
      case missingSide = "missing_side"
      /// Two prices of a model hold at the same time.
      case overlap
      /// No price holds for a while.
      case gap
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
    for price in book.prices {
      findings += scale(price) + sides(price) + origin(price, asOf: today)
      if let before, before.provider == price.provider, before.model == price.model, before.match == price.match {
        findings += jumps(from: before, to: price) + calendar(from: before, to: price)
      }
      before = price
    }
    return findings
  }

  private static func jumps(from old: Price, to new: Price) -> [Finding] {
    new.rows.compactMap { row in
      guard let former = old.rows.first(where: { $0.unit == row.unit && $0.dimensions == row.dimensions }),
        former.each.mantissa > 0, row.each.mantissa > 0
      else { return nil }
      let factor = ExactDecimal(jumpFactor)
      let isDearer = !(row.each.isLess(than: former.each * factor) ?? false)
      let isCheaper = !(former.each.isLess(than: row.each * factor) ?? false)
      guard isDearer || isCheaper else { return nil }
      return Finding(
        kind: .jump, priceID: new.id,
        message: "\(row.unit.rawValue) is \(jumpFactor) times \(isDearer ? "dearer" : "cheaper") than in \(old.id), "
          + "or more; check the decimal point")
    }
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

  /// Beyond these bounds lies no price that is known: the dearest model is far below a thousand dollars a million
  /// tokens, the cheapest cached token above a hundredth of a cent a million.
  private static func scale(_ price: Price) -> [Finding] {
    price.rows.compactMap { row in
      guard row.each.mantissa > 0 else { return nil }
      let (lowest, highest): (ExactDecimal, ExactDecimal) =
        switch row.unit {
        case .images, .videoSeconds, .requests: (.init(mantissa: 1, decimals: 6), .init(100))
        case .audioSeconds: (.init(mantissa: 1, decimals: 8), .init(1))
        default: (.init(mantissa: 1, decimals: 10), .init(mantissa: 1, decimals: 3))
        }
      if highest.isLess(than: row.each) ?? false {
        return Finding(
          kind: .scale, priceID: price.id,
          message: "one of \(row.unit.rawValue) costs \(row.each) USD; probably the price for 1000000: set per")
      }
      if row.each.isLess(than: lowest) ?? false {
        return Finding(
          kind: .scale, priceID: price.id,
          message: "one of \(row.unit.rawValue) costs only \(row.each) USD; probably the price for one: remove per")
      }
      return nil
    }
  }

  private static func sides(_ price: Price) -> [Finding] {
    let units = Set(price.rows.map(\.unit))
    let hasInput = !units.isDisjoint(with: [.inputTokens, .inputAudioTokens, .inputImageTokens])
    let hasOutput = !units.isDisjoint(with: [.outputTokens, .outputAudioTokens, .outputImageTokens])
    let isCachedOnly = !hasInput && !units.isDisjoint(with: [.cachedInputTokens, .cacheWriteTokens])
    guard hasInput != hasOutput || isCachedOnly else { return [] }
    let missing = hasInput ? "output_tokens" : "input_tokens"
    return [
      Finding(
        kind: .missingSide, priceID: price.id,
        message: "\(missing) has no price and would cost nothing; write it, with \"0\" where it is free")
    ]
  }

  private static func origin(_ price: Price, asOf today: Timestamp) -> [Finding] {
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
    if today.milliseconds - checked.milliseconds > Int64(staleDays) * 86_400_000 {
      findings.append(
        Finding(
          kind: .stale, priceID: price.id,
          message: "was last checked on \(checked.description.prefix(10)), more than \(staleDays) days ago"))
    }
    return findings
  }
}
