package import Billing
package import Catalog
package import Contracts

extension Acts {
  /// Freezes the fleet at what the policy approves of. A freeze that is on already stays as it is; Redis has it afterwards
  /// in any case: an earlier try may have failed between the two.
  package func freeze(_ note: ActNote) async throws -> (freeze: Freeze, isNew: Bool) {
    let interventions = interventions
    let begun = try await interventions.freezes.begin(with: try policy(), by: note.by, reason: note.reason)
    try await NotCopied.around { try await interventions.copyFreeze() }
    return begun
  }

  /// Ends the freeze; nil when there was none.
  package func thaw(_ note: ActNote) async throws -> (freeze: Freeze, at: Timestamp)? {
    let interventions = interventions
    let ended = try await interventions.freezes.end(by: note.by, reason: note.reason)
    try await NotCopied.around { try await interventions.copyFreeze() }
    return ended
  }

  /// With the last ten changes.
  /// - Parameter onSilence: told why Redis does not answer; that is no failure, the ledger has the rest.
  package func freezeCard(onSilence: (any Error) -> Void = { _ in }) async throws -> FreezeCard {
    let interventions = interventions
    let freeze = try await interventions.freezes.current()
    let changes = try await interventions.freezes.changes(limit: 10)
    let copy: FreezeCard.Copy
    do {
      copy = try await interventions.isCopied(freeze) ? .agrees : .differs
    } catch {
      onSilence(error)
      copy = .unknown
    }
    return FreezeCard(freeze, changes: changes, copy: copy, now: now())
  }
}
