package import Contracts

/// What one model costs at one provider from one instant on: a row for each unit that is charged. Immutable.
package struct Price: Sendable, Hashable {
  package enum Match: String, Sendable, CaseIterable { case exact, prefix }

  /// What tells one image or video from another in price. Compared in lower case.
  package struct Dimensions: Sendable, Hashable {
    package var size: String?
    package var quality: String?

    package init(size: String? = nil, quality: String? = nil) {
      self.size = size?.lowercased()
      self.quality = quality?.lowercased()
    }

    /// What a job's payload asks for.
    package init(of payload: JSONValue) {
      self.init(size: payload["size"]?.string, quality: payload["quality"]?.string)
    }
  }

  package struct Row: Sendable, Hashable {
    package var unit: Usage.Unit
    /// In dollars, for one unit.
    package var each: ExactDecimal
    /// Only for images and videos like these; an open dimension takes all.
    package var dimensions: Dimensions
    /// Stands for output tokens that a provider charges for but did not state (and before a call: cannot have stated).
    /// Never counts beside them.
    package var isEstimate: Bool

    package init(unit: Usage.Unit, each: ExactDecimal, dimensions: Dimensions = .init(), isEstimate: Bool = false) {
      self.unit = unit
      self.each = each
      self.dimensions = dimensions
      self.isEstimate = isEstimate
    }
  }

  /// The name of the provider in the policy file.
  package var provider: String
  /// The model, or the beginning of the names that are meant.
  package var model: String
  package var match: Match
  package var effectiveFrom: Timestamp
  /// The first instant at which it no longer holds; nil until the next price of the model.
  package var effectiveTo: Timestamp?
  package var rows: [Row]
  /// What the provider makes when a job leaves a dimension open.
  package var defaults: Dimensions
  /// Where the figures are from, and the day they were last compared with it.
  package var source: String?
  package var checked: Timestamp?

  package init(
    provider: String, model: String, match: Match = .exact, effectiveFrom: Timestamp = .init(milliseconds: 0),
    effectiveTo: Timestamp? = nil, rows: [Row], defaults: Dimensions = .init(), source: String? = nil,
    checked: Timestamp? = nil
  ) {
    self.provider = provider
    self.model = model
    self.match = match
    self.effectiveFrom = effectiveFrom
    self.effectiveTo = effectiveTo
    self.rows = rows
    self.defaults = defaults
    self.source = source
    self.checked = checked
  }

  /// `provider/model@2026-06-01`, with the time behind it where a price does not begin at midnight UTC. A price without
  /// `effective_from` begins with 1970.
  package var id: String {
    let from = effectiveFrom.description
    return "\(provider)/\(model)@\(from.hasSuffix("T00:00:00.000Z") ? String(from.prefix(10)) : from)"
  }

  /// What a usage costs: the exact sum of all lines, rounded once, half to even.
  ///
  /// Quantities are disjoint: `input_tokens` excludes cached and written ones, audio and image tokens. A unit without a
  /// row of its own is charged as the plain unit (cached input as input, output audio as output) and else costs
  /// nothing, being measured for quotas only.
  ///
  /// - Returns: nil for a negative quantity and for a sum beyond 64 bits of nano-dollars.
  package func cost(of usage: [Usage], dimensions: Dimensions = .init()) -> Money? {
    total(of: usage, dimensions: dimensions)?.money(roundingUp: false)
  }

  /// Whether the cost of this usage is an estimate: a quantity charged for was one, or an estimating row counts.
  package func isEstimate(of usage: [Usage]) -> Bool {
    let rows = rows(charging: usage)
    return usage.contains { entry in
      let charging = rows.filter { $0.unit == entry.unit || $0.unit == entry.unit.plain }
      return !charging.isEmpty && (entry.source == .estimate || charging.contains(where: \.isEstimate))
    }
  }

  /// Like `cost`, rounded up: never less than what may be charged.
  func worstCost(of usage: [Usage], dimensions: Dimensions) -> Money? {
    total(of: usage, dimensions: dimensions)?.money(roundingUp: true)
  }

  private func rows(charging usage: [Usage]) -> [Row] {
    let statesOutput = usage.contains { [.outputTokens, .outputAudioTokens, .outputImageTokens].contains($0.unit) }
    return statesOutput ? rows.filter { !$0.isEstimate } : rows
  }

  private func total(of usage: [Usage], dimensions: Dimensions) -> ExactDecimal? {
    let rows = rows(charging: usage)
    var sum = ExactDecimal.zero
    for entry in usage {
      guard entry.quantity.mantissa >= 0 else { return nil }
      guard let row = row(for: entry.unit, dimensions: dimensions, in: rows) else { continue }
      guard let line = entry.quantity.times(row.each), let next = sum.plus(line) else { return nil }
      sum = next
    }
    return sum
  }

  /// The row with the most dimensions among those that fit; where none fits, the dearest of the unit, so that an
  /// unlisted size is not given away.
  private func row(for unit: Usage.Unit, dimensions: Dimensions, in rows: [Row]) -> Row? {
    var candidates = rows.filter { $0.unit == unit }
    if candidates.isEmpty { candidates = rows.filter { $0.unit == unit.plain } }
    guard candidates.count > 1 else { return candidates.first }
    let asked = Dimensions(
      size: dimensions.size ?? defaults.size, quality: dimensions.quality ?? defaults.quality)
    func fits(_ row: Row) -> Bool {
      (row.dimensions.size == nil || row.dimensions.size == asked.size)
        && (row.dimensions.quality == nil || row.dimensions.quality == asked.quality)
    }
    func depth(_ row: Row) -> Int { (row.dimensions.size == nil ? 0 : 1) + (row.dimensions.quality == nil ? 0 : 1) }
    return candidates.filter(fits).max { depth($0) < depth($1) }
      ?? candidates.max { $0.each.isLess(than: $1.each) ?? false }
  }
}

extension Usage.Unit {
  /// The unit whose price stands in where this one has none; nil for units that stand for themselves.
  fileprivate var plain: Usage.Unit? {
    switch self {
    case .cachedInputTokens, .cacheWriteTokens, .inputAudioTokens, .inputImageTokens: .inputTokens
    case .outputAudioTokens, .outputImageTokens: .outputTokens
    case .inputTokens, .outputTokens, .characters, .audioSeconds, .images, .videoSeconds, .requests: nil
    }
  }
}
