package import Contracts

/// What to sum.
package struct LedgerQuery: Sendable, Hashable {
  package enum Grouping: String, CaseIterable, Sendable {
    case user, tier, provider, model, task
    /// The UTC day of the event, `2026-11-21`.
    case day
  }

  package var grouping: Grouping
  /// By the time of the attempt: `from` counts, `to` does not. Nil is open.
  package var from: Timestamp?
  package var to: Timestamp?
  /// Only what stands in the statement of this month (`2026-11`).
  package var billingPeriod: String?

  package init(by grouping: Grouping, from: Timestamp? = nil, to: Timestamp? = nil, billingPeriod: String? = nil) {
    self.grouping = grouping
    self.from = from
    self.to = to
    self.billingPeriod = billingPeriod
  }
}

/// Exact sums over the ledger, one row per group in the order of the keys.
package struct LedgerReport: Sendable, Hashable {
  package struct Row: Sendable, Hashable {
    /// The user, tier, provider, model, task or day; empty in the total.
    package var key: String
    /// Distinct runs.
    package var jobs: Int
    /// Attempts; a correction is not one.
    package var attempts: Int
    /// Of all rows, corrections included.
    package var amount: Money
    /// Of the rows that correct others; the rest of `amount` was booked at first.
    package var corrections: Money
    package var units: [Usage.Unit: ExactDecimal]

    package init(
      key: String, jobs: Int, attempts: Int, amount: Money, corrections: Money, units: [Usage.Unit: ExactDecimal]
    ) {
      self.key = key
      self.jobs = jobs
      self.attempts = attempts
      self.amount = amount
      self.corrections = corrections
      self.units = units
    }
  }

  package var grouping: LedgerQuery.Grouping
  package var rows: [Row]
  /// Of the whole range. Its jobs may be fewer than the rows' together: a run can touch two providers or two days.
  package var total: Row

  package init(grouping: LedgerQuery.Grouping, rows: [Row], total: Row) {
    self.grouping = grouping
    self.rows = rows
    self.total = total
  }
}
