package import Contracts

/// API keys in the ledger's database, without their secrets. Every change and its audit line are one transaction; no row
/// is ever removed, and a revoked key stays revoked. Safe from any task and beside a running billing process.
package struct Keys: Sendable {
  private let database: any LedgerDatabase
  private let now: @Sendable () -> Timestamp

  /// In bytes, of a key's name.
  package static let maximumNameLength = 100

  package init(in ledger: Ledger) {
    database = ledger.database
    now = ledger.now
  }

  /// - Parameter key: a new one.
  package func add(_ key: APIKey, by: String, reason: String) async throws(LedgerError) -> IssuedKey {
    try Assignments.checkNote(by: by, reason: reason)
    guard (1...Self.maximumNameLength).contains(key.name.utf8.count), !key.scopes.isEmpty, !key.isRevoked else {
      throw LedgerError(.refused, "name: 1 to \(Self.maximumNameLength) bytes; scopes: at least one")
    }
    let issued = IssuedKey(key: key, createdAt: now(), createdBy: by, reason: reason, revokedAt: nil)
    try await database.write { session in
      try session.execute(
        """
        INSERT INTO api_key (id, name, hash, scopes, users, created_at, created_by, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(key.id), .text(key.name), .text(key.hash), .text(Self.text(of: key.scopes)),
          .text(key.users.description), SQLValue(issued.createdAt), .text(by), .text(reason),
        ])
      try Self.audit(.create, key.id, at: issued.createdAt, by: by, reason: reason, in: session)
    }
    return issued
  }

  /// Answers the key as it is now, and whether it could come in until then: without that nothing is written. Nil for an
  /// id that no key has.
  package func revoke(
    _ id: String, by: String, reason: String
  ) async throws(LedgerError) -> (key: IssuedKey, isNew: Bool)? {
    try Assignments.checkNote(by: by, reason: reason)
    let time = now()
    return try await database.write { session in
      guard
        var issued = try session.row("SELECT * FROM api_key WHERE id = ?" + session.forUpdate, [.text(id)])
          .map(Self.issued)
      else { return nil }
      guard issued.revokedAt == nil else { return (issued, false) }
      try session.execute("UPDATE api_key SET revoked_at = ? WHERE id = ?", [SQLValue(time), .text(id)])
      try Self.audit(.revoke, id, at: time, by: by, reason: reason, in: session)
      issued.revokedAt = time
      issued.key.isRevoked = true
      return (issued, true)
    }
  }

  /// All, the revoked ones included, oldest first.
  package func list() async throws(LedgerError) -> [IssuedKey] {
    try await database.read { try $0.rows("SELECT * FROM api_key ORDER BY created_at, id").map(Self.issued) }
  }

  /// Oldest first.
  package func changes(of id: String) async throws(LedgerError) -> [KeyChange] {
    try await database.read { session in
      try session.rows("SELECT * FROM api_key_change WHERE key_id = ? ORDER BY number", [.text(id)]).map { row in
        guard let kind = KeyChange.Kind(rawValue: try row.text("change")) else {
          throw LedgerError(.corrupt, "api_key_change.change is neither create nor revoke")
        }
        return KeyChange(
          keyID: id, kind: kind, changedAt: try row.time("changed_at"), changedBy: try row.text("changed_by"),
          reason: try row.text("reason"))
      }
    }
  }

  private static func text(of scopes: Set<Scope>) -> String {
    Scope.allCases.filter(scopes.contains).map(\.rawValue).joined(separator: ",")
  }

  /// A scope that this version does not know grants nothing.
  private static func issued(_ row: SQLRow) throws -> IssuedKey {
    guard let users = UserPattern(try row.text("users")) else {
      throw LedgerError(.corrupt, "api_key.users is no pattern")
    }
    let scopes = try row.text("scopes").split(separator: ",").compactMap { Scope(rawValue: String($0)) }
    let revokedAt = try row.optionalTime("revoked_at")
    return IssuedKey(
      key: APIKey(
        id: try row.text("id"), name: try row.text("name"), hash: try row.text("hash"), scopes: Set(scopes),
        users: users, isRevoked: revokedAt != nil),
      createdAt: try row.time("created_at"), createdBy: try row.text("created_by"), reason: try row.text("reason"),
      revokedAt: revokedAt)
  }

  private static func audit(
    _ kind: KeyChange.Kind, _ id: String, at time: Timestamp, by: String, reason: String, in session: any SQLSession
  ) throws {
    try session.execute(
      "INSERT INTO api_key_change (key_id, change, changed_at, changed_by, reason) VALUES (?, ?, ?, ?, ?)",
      [.text(id), .text(kind.rawValue), SQLValue(time), .text(by), .text(reason)])
  }
}
