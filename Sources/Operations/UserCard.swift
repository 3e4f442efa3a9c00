package import Billing
package import Catalog
import Contracts

/// Everything about one user.
package struct UserCard: Sendable, Encodable {
  package struct Change: Sendable, Encodable {
    package let at, by, reason: String
    package let before, after: AssignmentChange.Grant?
  }

  package let user: String
  /// What is laid down; nil where nothing is.
  package let assigned: AssignmentRow?
  /// The tier that counts where the message claims none.
  package let tier: String
  package let lane: String
  package let limits: [UserLimit]
  package let period: String
  /// From the ledger.
  package let jobs: Int
  package let costUsd: String
  package let units: [String: String]
  /// From Redis; nil when it did not answer.
  package let standing: MonthStanding?
  package let changes: [Change]
  /// Whether a message may claim another tier.
  package let mayClaimTier: Bool

  package init(
    user: String, assignment: Assignment?, policy: Policy, month: UserMonth, standing: MonthStanding?,
    changes: [AssignmentChange]
  ) {
    let tier = policy.effectiveTier(assigned: assignment?.tier, claimed: nil)
    self.user = user
    assigned = assignment.map(AssignmentRow.init)
    self.tier = tier.code
    lane = tier.lane.rawValue
    limits = UserLimit.all(of: tier, assignment)
    period = month.chargePeriod
    jobs = month.jobs
    costUsd = month.amount.description
    units = Dictionary(uniqueKeysWithValues: month.units.map { ($0.key.rawValue, $0.value.description) })
    self.standing = standing
    mayClaimTier = policy.trustsMessageTier && assignment?.tier.flatMap { policy.tier(named: $0) } == nil
    self.changes = changes.map {
      Change(at: $0.changedAt.description, by: $0.changedBy, reason: $0.reason, before: $0.before, after: $0.after)
    }
  }
}
