package import Contracts

/// One change that somebody made by hand, out of whichever audit of the ledger has it.
package struct AuditEntry: Sendable, Hashable {
  package var at: Timestamp
  package var by: String
  /// `freeze.on`, `provider.hold`, `user.assign`, `key.revoke`, `dead.replay` and the like.
  package var act: String
  /// A user, provider or key; ids or a filter, shortened to 400 characters; empty for the whole fleet.
  package var target: String
  package var reason: String
  /// Of a user's tier and limits.
  package var before: AssignmentChange.Grant?
  package var after: AssignmentChange.Grant?
  /// Of an intervention, as the next two.
  package var surface: String?
  package var requestID: String?
  package var targetCount: Int?
  /// Nil while it is under way, or where nobody knows what came of it.
  package var outcome: Intervention.Outcome?
}
