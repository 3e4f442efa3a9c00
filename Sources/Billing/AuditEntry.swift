package import Contracts

/// One change that somebody made by hand, out of whichever audit of the ledger has it.
package struct AuditEntry: Sendable, Hashable {
  /// Those that this release knows.
  package enum Act: String, Sendable, CaseIterable {
    case freezeOn = "freeze.on"
    case freezeOff = "freeze.off"
    case providerHold = "provider.hold"
    case providerRelease = "provider.release"
    /// The rest of a breaker, before its time.
    case providerEndRest = "provider.end_rest"
    case userAssign = "user.assign"
    case userUnassign = "user.unassign"
    case keyCreate = "key.create"
    case keyRevoke = "key.revoke"
    case deadReplay = "dead.replay"
    case blockedRelease = "blocked.release"
    case jobCancel = "job.cancel"
  }

  package var at: Timestamp
  package var by: String
  /// As the ledger has it: a word of `Act`, or one of a newer release.
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
