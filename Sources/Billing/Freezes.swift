package import Catalog
package import Contracts
import GRDB

/// The emergency freeze in the ledger's database: every change is a row that stays, the newest one rules. Safe from any
/// task and beside a running billing process.
package struct Freezes: Sendable {
  private let pool: DatabasePool
  private let now: @Sendable () -> Timestamp

  package init(in ledger: SQLiteLedger) {
    pool = ledger.pool
    now = ledger.now
  }

  /// Nil where the fleet is not frozen.
  package func current() async throws(LedgerError) -> Freeze? {
    try await ledgerErrors { try await pool.read(Self.fetch) }
  }

  /// Freezes the fleet at the versions that a policy approves of. A freeze that is on already stays as it is.
  package func begin(
    with policy: Policy, by: String, reason: String
  ) async throws(LedgerError) -> (freeze: Freeze, isNew: Bool) {
    try Assignments.checkNote(by: by, reason: reason)
    let id = Identifier.base36(UInt64.random(in: 1 << 32 ... .max))
    let freeze = Freeze(of: policy, id: id, since: now(), by: by, reason: reason)
    return try await ledgerErrors {
      try await pool.write { database in
        if let earlier = try Self.fetch(from: database) { return (earlier, false) }
        try Self.insert(freeze.change(.on, at: freeze.since, by: by, reason: reason), freeze, into: database)
        return (freeze, true)
      }
    }
  }

  /// Answers what was on until then and when it ended; nil when nothing was, and nothing is written then.
  package func end(by: String, reason: String) async throws(LedgerError) -> (freeze: Freeze, at: Timestamp)? {
    try Assignments.checkNote(by: by, reason: reason)
    let time = now()
    return try await ledgerErrors {
      try await pool.write { database in
        guard let freeze = try Self.fetch(from: database) else { return nil }
        try Self.insert(freeze.change(.off, at: time, by: by, reason: reason), nil, into: database)
        return (freeze, time)
      }
    }
  }

  /// Newest first.
  package func changes(limit: Int) async throws(LedgerError) -> [FreezeChange] {
    try await ledgerErrors {
      try await pool.read { database in
        let sql = "SELECT freeze_id, state, changed_at, changed_by, reason FROM freeze ORDER BY number DESC LIMIT ?"
        return try Row.fetchAll(database, sql: sql, arguments: [limit]).map { row in
          let state: String = row["state"]
          guard let state = FreezeChange.State(rawValue: state) else {
            throw LedgerError(.corrupt, "freeze.state is neither on nor off")
          }
          return FreezeChange(
            freezeID: row["freeze_id"], state: state, changedAt: try Assignments.time(row["changed_at"]),
            changedBy: row["changed_by"], reason: row["reason"])
        }
      }
    }
  }

  private static func fetch(from database: Database) throws -> Freeze? {
    let versions = try Row.fetchOne(database, sql: "SELECT versions FROM freeze ORDER BY number DESC LIMIT 1")
      .flatMap { row -> String? in row["versions"] }
    guard let versions else { return nil }
    do throws(Freeze.Fault) {
      return try Freeze(decoding: Array(versions.utf8))
    } catch {
      throw LedgerError(.corrupt, "freeze.versions cannot be read: \(error)")
    }
  }

  private static func insert(_ change: FreezeChange, _ freeze: Freeze?, into database: Database) throws {
    try database.execute(
      sql: """
        INSERT INTO freeze (freeze_id, state, changed_at, changed_by, reason, versions) VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        change.freezeID, change.state.rawValue, change.changedAt.description, change.changedBy, change.reason,
        freeze.map { String(decoding: $0.encoded(), as: UTF8.self) },
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
