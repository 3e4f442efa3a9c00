package import Contracts

/// What one model costs at one provider from one instant on: a row for each unit that is charged. Immutable.
package struct Price: Sendable, Hashable {
  package enum Match: String, Sendable, CaseIterable { case exact, prefix, regex }

  package typealias Dimensions = Usage.Dimensions

  package struct Row: Sendable, Hashable {
    package var unit: Usage.Unit
    /// In dollars, for one unit.
    package var each: ExactDecimal
    /// Only for images and videos like these; an open dimension takes all.
    package var dimensions: Dimensions
    /// Stands for output tokens that a provider charges for but did not state (and before a call: cannot have stated).
    /// Never counts beside them.
    package var isEstimate: Bool
    /// In dollars, for one unit: what is set aside before a call, where the provider may state a higher charge than the
    /// list says. Never below `each`.
    package var reserved: ExactDecimal?

    package init(
      unit: Usage.Unit, each: ExactDecimal, dimensions: Dimensions = .init(), isEstimate: Bool = false,
      reserved: ExactDecimal? = nil
    ) {
      self.unit = unit
      self.each = each
      self.dimensions = dimensions
      self.isEstimate = isEstimate
      self.reserved = reserved
    }
  }

  /// What all of a request costs whose input is larger than a bound.
  package struct ContextTier: Sendable, Hashable {
    /// In tokens of input of every kind, cached and written ones included. Exactly so many are still below.
    package var above: Int
    /// All that is charged there, what is as below included.
    package var rows: [Row]

    package init(above: Int, rows: [Row]) {
      self.above = above
      self.rows = rows
    }
  }

  /// The name of the provider in the policy file.
  package var provider: String
  /// The model, the beginning of the names that are meant, or the pattern that fits them.
  package var model: String
  package var match: Match
  package var effectiveFrom: Timestamp
  /// The first instant at which it no longer holds; nil until the next price of the model.
  package var effectiveTo: Timestamp?
  package var rows: [Row]
  /// From the smallest bound to the largest.
  package var contextTiers: [ContextTier]
  /// What an attempt that was charged costs at least.
  package var minimumCharge: Money
  /// What the provider makes when a job leaves a dimension open.
  package var defaults: Dimensions
  /// Where the figures are from, and the day they were last compared with it.
  package var source: String?
  package var checked: Timestamp?
  package var note: String?

  package init(
    provider: String, model: String, match: Match = .exact, effectiveFrom: Timestamp = .init(milliseconds: 0),
    effectiveTo: Timestamp? = nil, rows: [Row], contextTiers: [ContextTier] = [], minimumCharge: Money = .zero,
    defaults: Dimensions = .init(), source: String? = nil, checked: Timestamp? = nil, note: String? = nil
  ) {
    self.provider = provider
    self.model = model
    self.match = match
    self.effectiveFrom = effectiveFrom
    self.effectiveTo = effectiveTo
    self.rows = rows
    self.contextTiers = contextTiers
    self.minimumCharge = minimumCharge
    self.defaults = defaults
    self.source = source
    self.checked = checked
    self.note = note
  }

  /// `provider/model@2026-06-01`, with the time behind it where a price does not begin at midnight UTC. A price without
  /// `effective_from` begins with 1970.
  package var id: String {
    let from = effectiveFrom.description
    return "\(provider)/\(model)@\(from.hasSuffix("T00:00:00.000Z") ? String(from.prefix(10)) : from)"
  }
}
