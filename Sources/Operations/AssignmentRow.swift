package import Billing
import Contracts

/// An assignment as JSON.
package struct AssignmentRow: Sendable, Encodable {
  package let user: String
  package let tier: String?
  package let overrides: UserOverrides
  package let changedAt, changedBy, reason: String

  package init(_ assignment: Assignment) {
    user = assignment.userID
    tier = assignment.tier
    overrides = assignment.overrides
    changedAt = assignment.changedAt.description
    changedBy = assignment.changedBy
    reason = assignment.reason
  }
}
