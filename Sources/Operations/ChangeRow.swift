package import Billing
import Contracts

/// A change that somebody made by hand, as JSON.
package struct ChangeRow: Sendable, Encodable {
  /// `act`: a word of `AuditEntry.Act`, or one of a newer release.
  package let at, by, act, target, reason: String
  /// Of a user's tier and limits; nil stands for none.
  package let before, after: AssignmentChange.Grant?
  /// `cli`, `api` or `console`; of acts on letters and jobs, as all that follows.
  package let surface, requestId: String?
  /// How many were named; nil where a filter chose.
  package let count: Int?
  /// Nil while it is under way, or where nobody knows what came of it.
  package let done, kept: Int?

  package init(_ entry: AuditEntry) {
    at = entry.at.description
    by = entry.by
    act = entry.act
    target = entry.target
    reason = entry.reason
    before = entry.before
    after = entry.after
    surface = entry.surface
    requestId = entry.requestID
    count = entry.targetCount
    done = entry.outcome?.done
    kept = entry.outcome?.kept
  }
}
