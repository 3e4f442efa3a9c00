import Admission
package import Billing
import Catalog
package import Contracts

extension Acts {
  /// Those for whom something is laid down, in the order of their ids.
  /// - Parameter last: only those behind this one.
  package func users(
    limit: Int, after last: String? = nil
  ) async throws(LedgerError) -> (rows: [AssignmentRow], isAll: Bool) {
    let (found, isAll) = try await assignments.list(limit: limit, after: last)
    return (found.map(AssignmentRow.init), isAll)
  }

  /// Everything about a user, also one that was never seen.
  /// - Parameter onSilence: told why Redis does not answer, and so what is reserved is not known; the ledger has the rest.
  package func user(_ id: String, onSilence: (any Error) -> Void = { _ in }) async throws -> UserCard {
    let assignments = assignments
    let (period, standing) = await standing(of: id, onSilence)
    return UserCard(
      user: id, assignment: try await assignments.assignment(of: id), policy: try policy(),
      month: try await ledger.userMonth(of: id, period: period) ?? UserMonth(userID: id, chargePeriod: period),
      standing: standing, changes: try await assignments.changes(of: id, limit: 10))
  }

  /// The month by Redis' clock and what it stands at there; by this machine's clock and nil when Redis does not answer.
  private func standing(of user: String, _ onSilence: (any Error) -> Void) async -> (String, MonthStanding?) {
    do {
      let period = try await desk.time().chargePeriod
      let (base, open) = try await desk.standing(of: user, period: period)
      return (period, MonthStanding(base: base, open: open))
    } catch {
      onSilence(error)
      return (now().chargePeriod, nil)
    }
  }

  package func assignment(of user: String) async throws(LedgerError) -> Assignment? {
    try await assignments.assignment(of: user)
  }

  /// Lays down a tier and limits in the place of whatever was laid down before. Jobs that wait are judged anew.
  /// - Parameter tier: a code or an alias of the policy; nil leaves the tier to message and default.
  package func assign(
    _ user: String, tier: String?, overrides: UserOverrides, _ note: ActNote
  ) async throws -> Assignment {
    try requireKnown(tier)
    let assignment = try await assignments.assign(
      user, tier: tier, overrides: overrides, by: note.by, reason: note.reason)
    try await NotCopied.around { try await desk.store(assignment.entitlement, of: user) }
    return assignment
  }

  /// The same in the place of what whoever acts has seen. Nil when something else was laid down or taken back since;
  /// nothing is changed then.
  /// - Parameter shown: when that was changed last; nil where there was nothing.
  package func assign(
    _ user: String, over shown: Timestamp?, tier: String?, overrides: UserOverrides, _ note: ActNote
  ) async throws -> Assignment? {
    try requireKnown(tier)
    let assignment = try await assignments.assign(
      user, over: shown, tier: tier, overrides: overrides, by: note.by, reason: note.reason)
    guard let assignment else { return nil }
    try await NotCopied.around { try await desk.store(assignment.entitlement, of: user) }
    return assignment
  }

  private func requireKnown(_ tier: String?) throws {
    guard let tier else { return }
    let policy = try policy()
    guard policy.tier(named: tier) != nil else {
      throw ActRefusal.unknownTier(tier, known: policy.tiers.keys.sorted())
    }
  }

  /// Takes back whatever was laid down. False when there was nothing; Redis has nothing afterwards in any case: an earlier
  /// try may have failed between the two.
  package func unassign(_ user: String, _ note: ActNote) async throws -> Bool {
    let wasThere = try await assignments.unassign(user, by: note.by, reason: note.reason)
    try await NotCopied.around { try await desk.store(nil, of: user) }
    return wasThere
  }

  /// The same with what whoever acts has seen. When something else was laid down since, nothing is changed, in Redis
  /// neither.
  /// - Parameter shown: when that was changed last; nil where there was nothing.
  package func unassign(
    _ user: String, over shown: Timestamp?, _ note: ActNote
  ) async throws -> Assignments.TakingBack {
    let outcome = try await assignments.unassign(user, over: shown, by: note.by, reason: note.reason)
    guard outcome != .changedSince else { return outcome }
    try await NotCopied.around { try await desk.store(nil, of: user) }
    return outcome
  }
}
