package import Contracts

/// From a usage to money. Exact until the end.
extension Price {
  /// What a usage costs: the exact sum of all lines, rounded once, half to even.
  ///
  /// Quantities are disjoint: `input_tokens` excludes cached and written ones, audio and image tokens. A unit without a
  /// row of its own is charged as the plain unit (cached input as input, output audio as output) and else costs
  /// nothing, being measured for quotas only.
  ///
  /// - Parameter dimensions: of entries that do not bring their own.
  /// - Returns: nil for a negative quantity and for a sum beyond 64 bits of nano-dollars.
  package func cost(of usage: [Usage], dimensions: Dimensions = .init()) -> Money? {
    let charged = total(of: usage, by: rows(charging: usage), dimensions: dimensions)?.money(roundingUp: false)
    return charged.map { max($0, minimumCharge) }
  }

  /// Whether the cost of this usage is an estimate: a quantity charged for was one, or an estimating row counts.
  package func isEstimate(of usage: [Usage]) -> Bool {
    let rows = rows(charging: usage)
    return usage.contains { entry in
      let charging = Self.candidates(for: entry.unit, in: rows)
      return !charging.isEmpty && (entry.source == .estimate || charging.contains(where: \.isEstimate))
    }
  }

  /// Like `cost`, rounded up: never less than what may be charged for this usage or a smaller one, so that of the prices
  /// by context the dearest counts which is within reach.
  package func worstCost(of usage: [Usage], dimensions: Dimensions = .init()) -> Money? {
    var worst = minimumCharge
    for rows in [rows] + tiers(within: usage) {
      let total = total(of: usage, by: Self.charged(rows, for: usage), dimensions: dimensions, isReserving: true)
      guard let amount = total?.money(roundingUp: true) else { return nil }
      worst = max(worst, amount)
    }
    return worst
  }

  /// A usage with one request where requests cost something and nobody counted them.
  package func countingRequest(_ usage: [Usage], _ source: Usage.Source = .measured) -> [Usage] {
    guard charges(.requests), !usage.contains(where: { $0.unit == .requests }) else { return usage }
    return usage + [Usage(.requests, ExactDecimal(1), source)]
  }

  /// Whether a unit has a price of its own, in whatever tier.
  func charges(_ unit: Usage.Unit) -> Bool { hasRow { $0.unit == unit } }

  /// Whether a unit has a price, if only by one that stands in.
  func bills(_ unit: Usage.Unit) -> Bool { charges(unit) || unit.substitutes.contains(where: charges) }

  /// Whether some prices stand for output that was not stated.
  var hasEstimates: Bool { hasRow { $0.isEstimate } }

  /// Whether one of those is for things like these.
  func estimates(_ unit: Usage.Unit, like dimensions: Dimensions) -> Bool {
    let asked = asked(dimensions)
    return rows.contains { $0.unit == unit && $0.isEstimate && $0.dimensions.fit(asked) }
  }

  /// Whether what was used is not known by what the model is priced by, requests aside.
  func isUnstated(in usage: [Usage]) -> Bool {
    hasRow { $0.unit != .requests && $0.each.mantissa > 0 }
      && !usage.contains { $0.unit != .requests && bills($0.unit) }
  }

  private func hasRow(_ condition: (Row) -> Bool) -> Bool {
    rows.contains(where: condition) || contextTiers.contains { $0.rows.contains(where: condition) }
  }

  private func rows(charging usage: [Usage]) -> [Row] {
    Self.charged(tiers(within: usage).last ?? rows, for: usage)
  }

  /// The rows of all tiers below the input of a usage.
  private func tiers(within usage: [Usage]) -> [[Row]] {
    guard !contextTiers.isEmpty else { return [] }
    var input = ExactDecimal.zero
    for entry in usage where entry.unit.isInput {
      // What cannot be added up is above every bound.
      guard let sum = input.plus(entry.quantity) else { return contextTiers.map(\.rows) }
      input = sum
    }
    return contextTiers.filter { ExactDecimal($0.above).isLess(than: input) ?? true }.map(\.rows)
  }

  private static func charged(_ rows: [Row], for usage: [Usage]) -> [Row] {
    let statesOutput = usage.contains { [.outputTokens, .outputAudioTokens, .outputImageTokens].contains($0.unit) }
    return statesOutput ? rows.filter { !$0.isEstimate } : rows
  }

  private func total(
    of usage: [Usage], by rows: [Row], dimensions: Dimensions, isReserving: Bool = false
  ) -> ExactDecimal? {
    var sum = ExactDecimal.zero
    for entry in usage {
      guard entry.quantity.mantissa >= 0 else { return nil }
      guard let row = row(for: entry.unit, dimensions: entry.dimensions ?? dimensions, in: rows) else { continue }
      let each = isReserving ? row.reserved ?? row.each : row.each
      guard let line = entry.quantity.times(each), let next = sum.plus(line) else { return nil }
      sum = next
    }
    return sum
  }

  /// The row with the most dimensions among those that fit; where none fits, the dearest of the unit, so that an
  /// unlisted size is not given away.
  private func row(for unit: Usage.Unit, dimensions: Dimensions, in rows: [Row]) -> Row? {
    let candidates = Self.candidates(for: unit, in: rows)
    guard candidates.count > 1 else { return candidates.first }
    let asked = asked(dimensions)
    return candidates.filter { $0.dimensions.fit(asked) }.max { $0.dimensions.depth < $1.dimensions.depth }
      ?? candidates.max { $0.each.isLess(than: $1.each) ?? false }
  }

  private func asked(_ dimensions: Dimensions) -> Dimensions {
    Dimensions(
      size: dimensions.size ?? defaults.size, quality: dimensions.quality ?? defaults.quality,
      resolution: dimensions.resolution ?? defaults.resolution)
  }

  /// The rows of a unit, or of the nearest unit that stands in for it.
  private static func candidates(for unit: Usage.Unit, in rows: [Row]) -> [Row] {
    for unit in [unit] + unit.substitutes {
      let found = rows.filter { $0.unit == unit }
      if !found.isEmpty { return found }
    }
    return []
  }
}

extension Usage.Dimensions {
  fileprivate func fit(_ asked: Self) -> Bool {
    (size == nil || size == asked.size) && (quality == nil || quality == asked.quality)
      && (resolution == nil || resolution == asked.resolution)
  }

  fileprivate var depth: Int { [size, quality, resolution].count { $0 != nil } }
}

extension Usage.Unit {
  /// Whether it is part of what is sent, the context by whose size some models are priced.
  var isInput: Bool {
    switch self {
    case .inputTokens, .cachedInputTokens, .cacheWriteTokens, .cacheWrite1hTokens, .inputAudioTokens, .inputImageTokens:
      true
    case .outputTokens, .outputAudioTokens, .outputImageTokens, .characters, .audioSeconds, .images, .videoSeconds,
      .requests:
      false
    }
  }

  /// The units whose price stands in where this one has none, in their order; none for units that stand for themselves.
  fileprivate var substitutes: [Usage.Unit] {
    switch self {
    case .cacheWrite1hTokens: [.cacheWriteTokens, .inputTokens]
    case .cachedInputTokens, .cacheWriteTokens, .inputAudioTokens, .inputImageTokens: [.inputTokens]
    case .outputAudioTokens, .outputImageTokens: [.outputTokens]
    case .inputTokens, .outputTokens, .characters, .audioSeconds, .images, .videoSeconds, .requests: []
    }
  }
}
