package import Contracts

/// What was spent, by the ledger: this UTC day, this calendar month, the last fourteen days. Sums are exact; a total is the
/// sum of its parts.
package struct MoneySample: Sendable, Hashable {
  package struct Sum: Sendable, Hashable {
    package var amount = Money.zero
    /// Of attempts that did not succeed, as far as they were charged; part of `amount`.
    package var failed = Money.zero
    /// Distinct runs.
    package var jobs = 0

    package init(amount: Money = .zero, failed: Money = .zero, jobs: Int = 0) {
      self.amount = amount
      self.failed = failed
      self.jobs = jobs
    }

    package static func + (left: Sum, right: Sum) -> Sum {
      Sum(amount: left.amount + right.amount, failed: left.failed + right.failed, jobs: left.jobs + right.jobs)
    }
  }

  package struct Day: Sendable, Hashable {
    /// `2026-11-22`, UTC.
    package var day: String
    /// By code of the tier; without those that spent nothing and ran nothing.
    package var tiers: [String: Sum]

    package init(day: String, tiers: [String: Sum]) {
      self.day = day
      self.tiers = tiers
    }

    package var total: Sum { tiers.values.reduce(Sum(), +) }
  }

  /// What was expected to be spent in this month, and what was. A budget holds nothing back; caps of users do.
  package struct Budget: Sendable, Hashable {
    /// `fleet`, `tier:PRO`, `provider:openai`.
    package var scope: String
    package var limit: Money
    package var used: Money
    /// Whole percent, rounded down; 100 and more is through.
    package var percent: Int

    package init(scope: String, limit: Money, used: Money) {
      self.scope = scope
      self.limit = limit
      self.used = used
      percent = limit.nanoUSD > 0 ? Int(Int128(used.nanoUSD) * 100 / Int128(limit.nanoUSD)) : 100
    }
  }

  /// By this machine's clock.
  package var asOf: Timestamp
  /// `2026-11`, UTC.
  package var month: String
  /// By tier, of the whole month, by charge period: what is billed and what budgets are compared with.
  package var monthByTier: [String: Money]
  package var monthTotal: Money
  /// The last fourteen UTC days, the oldest first, today last; days without anything are there.
  package var days: [Day]
  package var budgets: [Budget]
  /// Cost events in their queue, not booked yet; nil while the broker does not say.
  package var eventsWaiting: Int?
  /// When the newest row was booked; nil for an empty ledger.
  package var lastBooked: Timestamp?
  /// Users that have used 80 percent and more of a cap or of a quota of this month.
  package var usersNearLimit: Int

  package init(
    asOf: Timestamp, month: String, monthByTier: [String: Money] = [:], monthTotal: Money = .zero, days: [Day] = [],
    budgets: [Budget] = [], eventsWaiting: Int? = nil, lastBooked: Timestamp? = nil, usersNearLimit: Int = 0
  ) {
    self.asOf = asOf
    self.month = month
    self.monthByTier = monthByTier
    self.monthTotal = monthTotal
    self.days = days
    self.budgets = budgets
    self.eventsWaiting = eventsWaiting
    self.lastBooked = lastBooked
    self.usersNearLimit = usersNearLimit
  }

  package var today: Day? { days.last }
}
