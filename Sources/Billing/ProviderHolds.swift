package import Contracts
import GRDB

/// A provider that somebody took out of service. It stays out until somebody releases it.
package struct ProviderHold: Sendable, Hashable {
  package var provider: String
  package var since: Timestamp
  /// Who did it and why, in their own words.
  package var by: String
  package var reason: String

  package init(provider: String, since: Timestamp, by: String, reason: String) {
    self.provider = provider
    self.since = since
    self.by = by
    self.reason = reason
  }
}

/// Holds in the ledger's database. Every change and its audit line are one transaction. Whether the policy knows a
/// provider is the caller's question. Safe from any task and beside a running billing process.
package struct ProviderHolds: Sendable {
  private enum Change: String { case hold, release, endRest = "end_rest" }

  private let pool: DatabasePool
  private let now: @Sendable () -> Timestamp

  package init(in ledger: SQLiteLedger) {
    pool = ledger.pool
    now = ledger.now
  }

  /// In the order of the names.
  package func list() async throws(LedgerError) -> [ProviderHold] {
    try await ledgerErrors {
      try await pool.read { database in
        try Row.fetchAll(database, sql: "SELECT * FROM provider_hold ORDER BY provider").map(Self.hold)
      }
    }
  }

  /// A provider that is held already stays held as it is.
  package func hold(
    _ provider: String, by: String, reason: String
  ) async throws(LedgerError) -> (hold: ProviderHold, isNew: Bool) {
    try Assignments.checkNote(by: by, reason: reason)
    let hold = ProviderHold(provider: provider, since: now(), by: by, reason: reason)
    return try await ledgerErrors {
      try await pool.write { database in
        if let earlier = try Self.fetch(provider, from: database) { return (earlier, false) }
        try database.execute(
          sql: "INSERT INTO provider_hold (provider, held_at, held_by, reason) VALUES (?, ?, ?, ?)",
          arguments: [provider, hold.since.description, by, reason])
        try Self.audit(.hold, provider, at: hold.since, by: by, reason: reason, in: database)
        return (hold, true)
      }
    }
  }

  /// Answers what was held until then; nil when it was not.
  /// - Parameter endsRest: a rest of the provider ends with it. Without that, and without a hold, nothing is written.
  package func release(
    _ provider: String, endsRest: Bool, by: String, reason: String
  ) async throws(LedgerError) -> ProviderHold? {
    try Assignments.checkNote(by: by, reason: reason)
    let time = now()
    return try await ledgerErrors {
      try await pool.write { database in
        let hold = try Self.fetch(provider, from: database)
        if hold != nil {
          try database.execute(sql: "DELETE FROM provider_hold WHERE provider = ?", arguments: [provider])
          try Self.audit(.release, provider, at: time, by: by, reason: reason, in: database)
        }
        if endsRest { try Self.audit(.endRest, provider, at: time, by: by, reason: reason, in: database) }
        return hold
      }
    }
  }

  private static func fetch(_ provider: String, from database: Database) throws -> ProviderHold? {
    try Row.fetchOne(database, sql: "SELECT * FROM provider_hold WHERE provider = ?", arguments: [provider]).map(hold)
  }

  private static func hold(_ row: Row) throws -> ProviderHold {
    ProviderHold(
      provider: row["provider"], since: try Assignments.time(row["held_at"]), by: row["held_by"],
      reason: row["reason"])
  }

  private static func audit(
    _ change: Change, _ provider: String, at time: Timestamp, by: String, reason: String, in database: Database
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO provider_hold_audit (provider, change, changed_at, changed_by, reason) VALUES (?, ?, ?, ?, ?)
        """,
      arguments: [provider, change.rawValue, time.description, by, reason])
  }
}
