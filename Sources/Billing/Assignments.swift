import Contracts
import Foundation
import GRDB

/// Tiers and limits laid down for single users, in the ledger's database. Every change and its audit line are one
/// transaction. Safe from any task and beside a running billing process.
package struct Assignments: Sendable {
  private let pool: DatabasePool
  private let now: @Sendable () -> Timestamp

  /// In bytes, of `by` and `reason`.
  package static let maximumNoteLength = 1024

  package init(in ledger: SQLiteLedger) {
    pool = ledger.pool
    now = ledger.now
  }

  /// Replaces whatever was laid down for the user.
  /// - Parameter tier: a code or alias; whether the policy knows it is the caller's question.
  @discardableResult
  package func assign(
    _ user: String, tier: String?, overrides: UserOverrides, by: String, reason: String
  ) async throws(LedgerError) -> Assignment {
    try check(user, by: by, reason: reason)
    if let tier, !Identifier.isValid(tier) { throw LedgerError(.refused, "tier: not a valid tier name") }
    if let fault = overrides.fault { throw LedgerError(.refused, fault) }
    let assignment = Assignment(
      userID: user, tier: tier, overrides: overrides, changedAt: now(), changedBy: by, reason: reason)
    try await ledgerErrors {
      try await pool.write { database in
        let before = try Self.fetch(user, from: database)
        try database.execute(
          sql: """
            INSERT INTO user_assignment (user_id, tier, overrides, changed_at, changed_by, reason)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (user_id) DO UPDATE SET tier = excluded.tier, overrides = excluded.overrides,
              changed_at = excluded.changed_at, changed_by = excluded.changed_by, reason = excluded.reason
            """,
          arguments: [user, tier, try Self.json(overrides), assignment.changedAt.description, by, reason])
        try Self.audit(assignment, before: before?.grant, after: assignment.grant, in: database)
      }
    }
    return assignment
  }

  /// Takes back whatever was laid down. False when there was nothing; nothing is written then.
  package func unassign(_ user: String, by: String, reason: String) async throws(LedgerError) -> Bool {
    try check(user, by: by, reason: reason)
    let changedAt = now()
    return try await ledgerErrors {
      try await pool.write { database in
        guard let before = try Self.fetch(user, from: database) else { return false }
        try database.execute(sql: "DELETE FROM user_assignment WHERE user_id = ?", arguments: [user])
        let change = Assignment(
          userID: user, tier: nil, overrides: .none, changedAt: changedAt, changedBy: by, reason: reason)
        try Self.audit(change, before: before.grant, after: nil, in: database)
        return true
      }
    }
  }

  package func assignment(of user: String) async throws(LedgerError) -> Assignment? {
    try await ledgerErrors { try await pool.read { try Self.fetch(user, from: $0) } }
  }

  /// All assignments in the order of the user ids.
  package func list() async throws(LedgerError) -> [Assignment] {
    try await ledgerErrors {
      try await pool.read { database in
        try Row.fetchAll(database, sql: "SELECT * FROM user_assignment ORDER BY user_id").map(Self.assignment)
      }
    }
  }

  /// The changes of one user, newest first.
  package func changes(of user: String, limit: Int = 100) async throws(LedgerError) -> [AssignmentChange] {
    try await ledgerErrors {
      try await pool.read { database in
        try Row.fetchAll(
          database, sql: "SELECT * FROM assignment_audit WHERE user_id = ? ORDER BY number DESC LIMIT ?",
          arguments: [user, limit]
        ).map { row in
          AssignmentChange(
            userID: user, changedAt: try Self.time(row["changed_at"]), changedBy: row["changed_by"],
            reason: row["reason"], before: try Self.decoded(row["before"]), after: try Self.decoded(row["after"]))
        }
      }
    }
  }

  private func check(_ user: String, by: String, reason: String) throws(LedgerError) {
    guard Identifier.isValid(user) else {
      throw LedgerError(.refused, "user: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
    try Self.checkNote(by: by, reason: reason)
  }

  static func checkNote(by: String, reason: String) throws(LedgerError) {
    guard (1...maximumNoteLength).contains(by.utf8.count), reason.utf8.count <= maximumNoteLength else {
      throw LedgerError(.refused, "by, reason: at most \(maximumNoteLength) bytes, and by must not be empty")
    }
  }

  static func fetch(_ user: String, from database: Database) throws -> Assignment? {
    try Row.fetchOne(database, sql: "SELECT * FROM user_assignment WHERE user_id = ?", arguments: [user])
      .map(assignment)
  }

  private static func assignment(_ row: Row) throws -> Assignment {
    Assignment(
      userID: row["user_id"], tier: row["tier"], overrides: try decoded(row["overrides"]) ?? .none,
      changedAt: try time(row["changed_at"]), changedBy: row["changed_by"], reason: row["reason"])
  }

  private static func audit(
    _ change: Assignment, before: AssignmentChange.Grant?, after: AssignmentChange.Grant?, in database: Database
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO assignment_audit (user_id, changed_at, changed_by, reason, before, after)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        change.userID, change.changedAt.description, change.changedBy, change.reason, try before.map(json),
        try after.map(json),
      ])
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private static func decoded<Value: Decodable>(_ text: String?) throws -> Value? {
    try text.map { try JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
  }

  static func time(_ text: String) throws(LedgerError) -> Timestamp {
    guard let time = Timestamp(text) else { throw LedgerError(.corrupt, "what should be a time is none") }
    return time
  }
}

extension Assignment {
  fileprivate var grant: AssignmentChange.Grant { .init(tier: tier, overrides: overrides) }
}
