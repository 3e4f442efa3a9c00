package import Contracts

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

  private let database: any LedgerDatabase
  private let now: @Sendable () -> Timestamp

  package init(in ledger: Ledger) {
    database = ledger.database
    now = ledger.now
  }

  /// In the order of the names.
  package func list() async throws(LedgerError) -> [ProviderHold] {
    try await database.read { try $0.rows("SELECT * FROM provider_hold ORDER BY provider").map(Self.hold) }
  }

  /// A provider that is held already stays held as it is.
  package func hold(
    _ provider: String, by: String, reason: String
  ) async throws(LedgerError) -> (hold: ProviderHold, isNew: Bool) {
    try Assignments.checkNote(by: by, reason: reason)
    let hold = ProviderHold(provider: provider, since: now(), by: by, reason: reason)
    return try await database.write { session in
      let added = try session.execute(
        """
        INSERT INTO provider_hold (provider, held_at, held_by, reason) VALUES (?, ?, ?, ?)
        ON CONFLICT (provider) DO NOTHING
        """,
        [.text(provider), SQLValue(hold.since), .text(by), .text(reason)])
      if added == 0, let earlier = try Self.fetch(provider, from: session) { return (earlier, false) }
      try Self.audit(.hold, provider, at: hold.since, by: by, reason: reason, in: session)
      return (hold, true)
    }
  }

  /// Answers what was held until then; nil when it was not.
  /// - Parameter endsRest: a rest of the provider ends with it. Without that, and without a hold, nothing is written.
  package func release(
    _ provider: String, endsRest: Bool, by: String, reason: String
  ) async throws(LedgerError) -> ProviderHold? {
    try Assignments.checkNote(by: by, reason: reason)
    let time = now()
    return try await database.write { session in
      let hold = try Self.fetch(provider, from: session)
      if hold != nil {
        try session.execute("DELETE FROM provider_hold WHERE provider = ?", [.text(provider)])
        try Self.audit(.release, provider, at: time, by: by, reason: reason, in: session)
      }
      if endsRest { try Self.audit(.endRest, provider, at: time, by: by, reason: reason, in: session) }
      return hold
    }
  }

  private static func fetch(_ provider: String, from session: any SQLSession) throws -> ProviderHold? {
    try session.row("SELECT * FROM provider_hold WHERE provider = ?" + session.forUpdate, [.text(provider)]).map(hold)
  }

  private static func hold(_ row: SQLRow) throws -> ProviderHold {
    ProviderHold(
      provider: try row.text("provider"), since: try row.time("held_at"), by: try row.text("held_by"),
      reason: try row.text("reason"))
  }

  private static func audit(
    _ change: Change, _ provider: String, at time: Timestamp, by: String, reason: String, in session: any SQLSession
  ) throws {
    try session.execute(
      """
      INSERT INTO provider_hold_audit (provider, change, changed_at, changed_by, reason) VALUES (?, ?, ?, ?, ?)
      """,
      [.text(provider), .text(change.rawValue), SQLValue(time), .text(by), .text(reason)])
  }
}
