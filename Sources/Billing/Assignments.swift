package import Contracts
import Foundation

/// Tiers and limits laid down for single users, in the ledger's database. Every change and its audit line are one
/// transaction. Safe from any task and beside a running billing process.
package struct Assignments: Sendable {
  private let database: any LedgerDatabase
  private let now: @Sendable () -> Timestamp

  /// In bytes, of `by` and `reason`.
  package static let maximumNoteLength = 1024

  package init(in ledger: Ledger) {
    database = ledger.database
    now = ledger.now
  }

  /// Replaces whatever was laid down for the user.
  /// - Parameter tier: a code or alias; whether the policy knows it is the caller's question.
  @discardableResult
  package func assign(
    _ user: String, tier: String?, overrides: UserOverrides, by: String, reason: String
  ) async throws(LedgerError) -> Assignment {
    let assignment = try assignment(of: user, tier, overrides, by, reason)
    _ = try await lay(assignment) { _ in true }
    return assignment
  }

  /// Replaces what the caller has seen. Nil when something else was laid down or taken back since; nothing is changed then.
  /// - Parameter shown: when that was changed last which the caller has seen; nil for nothing.
  package func assign(
    _ user: String, over shown: Timestamp?, tier: String?, overrides: UserOverrides, by: String, reason: String
  ) async throws(LedgerError) -> Assignment? {
    let assignment = try assignment(of: user, tier, overrides, by, reason)
    return try await lay(assignment) { $0?.changedAt == shown } ? assignment : nil
  }

  private func assignment(
    of user: String, _ tier: String?, _ overrides: UserOverrides, _ by: String, _ reason: String
  ) throws(LedgerError) -> Assignment {
    try check(user, by: by, reason: reason)
    if let tier, !Identifier.isValid(tier) { throw LedgerError(.refused, "tier: not a valid tier name") }
    if let fault = overrides.fault { throw LedgerError(.refused, fault) }
    return Assignment(
      userID: user, tier: tier, overrides: overrides, changedAt: now(), changedBy: by, reason: reason)
  }

  /// False, and nothing is written, where what is there may not be replaced.
  private func lay(
    _ assignment: Assignment, over mayReplace: @escaping @Sendable (Assignment?) -> Bool
  ) async throws(LedgerError) -> Bool {
    try await database.write { session in
      let before = try Self.fetch(assignment.userID, from: session)
      guard mayReplace(before) else { return false }
      try session.execute(
        """
        INSERT INTO user_assignment (user_id, tier, overrides, changed_at, changed_by, reason)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (user_id) DO UPDATE SET tier = excluded.tier, overrides = excluded.overrides,
          changed_at = excluded.changed_at, changed_by = excluded.changed_by, reason = excluded.reason
        """,
        [
          .text(assignment.userID), SQLValue(assignment.tier), .text(try Self.json(assignment.overrides)),
          SQLValue(assignment.changedAt), .text(assignment.changedBy), .text(assignment.reason),
        ])
      try Self.audit(assignment, before: before?.grant, after: assignment.grant, in: session)
      return true
    }
  }

  /// Takes back whatever was laid down. False when there was nothing; nothing is written then.
  package func unassign(_ user: String, by: String, reason: String) async throws(LedgerError) -> Bool {
    try await takeBack(user, by, reason) { _ in true } == .takenBack
  }

  /// What came of taking back what the caller has seen.
  package enum TakingBack: Sendable { case takenBack, nothing, changedSince }

  /// Takes back what the caller has seen, and nothing else.
  /// - Parameter shown: when that was changed last which the caller has seen; nil for nothing.
  package func unassign(
    _ user: String, over shown: Timestamp?, by: String, reason: String
  ) async throws(LedgerError) -> TakingBack {
    try await takeBack(user, by, reason) { $0.changedAt == shown }
  }

  private func takeBack(
    _ user: String, _ by: String, _ reason: String, where mayGo: @escaping @Sendable (Assignment) -> Bool
  ) async throws(LedgerError) -> TakingBack {
    try check(user, by: by, reason: reason)
    let changedAt = now()
    return try await database.write { session in
      guard let before = try Self.fetch(user, from: session) else { return .nothing }
      guard mayGo(before) else { return .changedSince }
      try session.execute("DELETE FROM user_assignment WHERE user_id = ?", [.text(user)])
      let change = Assignment(
        userID: user, tier: nil, overrides: .none, changedAt: changedAt, changedBy: by, reason: reason)
      try Self.audit(change, before: before.grant, after: nil, in: session)
      return .takenBack
    }
  }

  package func assignment(of user: String) async throws(LedgerError) -> Assignment? {
    try await database.read { try Self.fetch(user, from: $0) }
  }

  /// All assignments in the order of the user ids.
  package func list() async throws(LedgerError) -> [Assignment] {
    try await database.read { try $0.rows("SELECT * FROM user_assignment ORDER BY user_id").map(Self.assignment) }
  }

  /// At most so many in the order of the user ids, behind one of them; `isAll`: there are no others behind those.
  package func list(
    limit: Int, after last: String?
  ) async throws(LedgerError) -> (assignments: [Assignment], isAll: Bool) {
    let found = try await database.read { session in
      try session.rows(
        "SELECT * FROM user_assignment WHERE user_id > ? ORDER BY user_id LIMIT ?",
        [.text(last ?? ""), SQLValue(limit + 1)]
      ).map(Self.assignment)
    }
    return (Array(found.prefix(limit)), found.count <= limit)
  }

  /// The changes of one user, newest first.
  package func changes(of user: String, limit: Int = 100) async throws(LedgerError) -> [AssignmentChange] {
    try await database.read { session in
      try session.rows(
        "SELECT * FROM assignment_audit WHERE user_id = ? ORDER BY number DESC LIMIT ?",
        [.text(user), SQLValue(limit)]
      ).map { row in
        AssignmentChange(
          userID: user, changedAt: try row.time("changed_at"), changedBy: try row.text("changed_by"),
          reason: try row.text("reason"), before: try Self.decoded(row.optionalText("before")),
          after: try Self.decoded(row.optionalText("after")))
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

  static let select = "SELECT * FROM user_assignment WHERE user_id = ?"

  private static func fetch(_ user: String, from session: any SQLSession) throws -> Assignment? {
    try session.row(select + session.forUpdate, [.text(user)]).map(assignment)
  }

  static func assignment(_ row: SQLRow) throws -> Assignment {
    Assignment(
      userID: try row.text("user_id"), tier: try row.optionalText("tier"),
      overrides: try decoded(row.text("overrides")) ?? .none, changedAt: try row.time("changed_at"),
      changedBy: try row.text("changed_by"), reason: try row.text("reason"))
  }

  private static func audit(
    _ change: Assignment, before: AssignmentChange.Grant?, after: AssignmentChange.Grant?, in session: any SQLSession
  ) throws {
    try session.execute(
      """
      INSERT INTO assignment_audit (user_id, changed_at, changed_by, reason, before, after)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(change.userID), SQLValue(change.changedAt), .text(change.changedBy), .text(change.reason),
        SQLValue(try before.map(json)), SQLValue(try after.map(json)),
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
}

extension Assignment {
  fileprivate var grant: AssignmentChange.Grant { .init(tier: tier, overrides: overrides) }
}
