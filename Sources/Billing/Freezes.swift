package import Catalog
package import Contracts

/// The emergency freeze in the ledger's database: every change is a row that stays, the newest one rules. Safe from any
/// task and beside a running billing process.
package struct Freezes: Sendable {
  private let database: any LedgerDatabase
  private let now: @Sendable () -> Timestamp

  package init(in ledger: Ledger) {
    database = ledger.database
    now = ledger.now
  }

  /// Nil where the fleet is not frozen.
  package func current() async throws(LedgerError) -> Freeze? {
    try await database.read { try Self.fetch(from: $0) }
  }

  /// Freezes the fleet at the versions that a policy approves of. A freeze that is on already stays as it is.
  package func begin(
    with policy: Policy, by: String, reason: String
  ) async throws(LedgerError) -> (freeze: Freeze, isNew: Bool) {
    try Assignments.checkNote(by: by, reason: reason)
    let id = Identifier.base36(UInt64.random(in: 1 << 32 ... .max))
    let freeze = Freeze(of: policy, id: id, since: now(), by: by, reason: reason)
    return try await database.write { session in
      try Self.lock(session)
      if let earlier = try Self.fetch(from: session) { return (earlier, false) }
      try Self.insert(freeze.change(.on, at: freeze.since, by: by, reason: reason), freeze, into: session)
      return (freeze, true)
    }
  }

  /// Answers what was on until then and when it ended; nil when nothing was, and nothing is written then.
  package func end(by: String, reason: String) async throws(LedgerError) -> (freeze: Freeze, at: Timestamp)? {
    try Assignments.checkNote(by: by, reason: reason)
    let time = now()
    return try await database.write { session in
      try Self.lock(session)
      guard let freeze = try Self.fetch(from: session) else { return nil }
      try Self.insert(freeze.change(.off, at: time, by: by, reason: reason), nil, into: session)
      return (freeze, time)
    }
  }

  /// Newest first.
  package func changes(limit: Int) async throws(LedgerError) -> [FreezeChange] {
    try await database.read { session in
      try session.rows(
        "SELECT freeze_id, state, changed_at, changed_by, reason FROM \"freeze\" ORDER BY number DESC LIMIT ?",
        [SQLValue(limit)]
      ).map { row in
        guard let state = FreezeChange.State(rawValue: try row.text("state")) else {
          throw LedgerError(.corrupt, "freeze.state is neither on nor off")
        }
        return FreezeChange(
          freezeID: try row.text("freeze_id"), state: state, changedAt: try row.time("changed_at"),
          changedBy: try row.text("changed_by"), reason: try row.text("reason"))
      }
    }
  }

  /// The newest row rules, and there is no row to lock for the next one.
  private static func lock(_ session: any SQLSession) throws {
    if session.isShared { try session.execute("LOCK TABLE \"freeze\" IN SHARE ROW EXCLUSIVE MODE", []) }
  }

  private static func fetch(from session: any SQLSession) throws -> Freeze? {
    let row = try session.rows("SELECT versions FROM \"freeze\" ORDER BY number DESC LIMIT 1").first
    guard let versions = try row?.optionalText("versions") else { return nil }
    do throws(Freeze.Fault) {
      return try Freeze(decoding: Array(versions.utf8))
    } catch {
      throw LedgerError(.corrupt, "freeze.versions cannot be read: \(error)")
    }
  }

  private static func insert(_ change: FreezeChange, _ freeze: Freeze?, into session: any SQLSession) throws {
    try session.execute(
      "INSERT INTO \"freeze\" (freeze_id, state, changed_at, changed_by, reason, versions) VALUES (?, ?, ?, ?, ?, ?)",
      [
        .text(change.freezeID), .text(change.state.rawValue), SQLValue(change.changedAt), .text(change.changedBy),
        .text(change.reason), SQLValue(freeze.map { String(decoding: $0.encoded(), as: UTF8.self) }),
      ])
  }
}

/// One line of the freeze's history. Lines are only ever added.
package struct FreezeChange: Sendable, Hashable {
  package enum State: String, Sendable { case on, off }

  package var freezeID: String
  package var state: State
  package var changedAt: Timestamp
  package var changedBy: String
  package var reason: String
}

extension Freeze {
  fileprivate func change(
    _ state: FreezeChange.State, at time: Timestamp, by: String, reason: String
  ) -> FreezeChange {
    FreezeChange(freezeID: id, state: state, changedAt: time, changedBy: by, reason: reason)
  }
}
