import Contracts
import Foundation

/// Everything that was changed by hand: the freeze, held providers, users' tiers and limits, API keys, interventions.
extension Ledger {
  /// The newest of all audits together, newest first, all of one snapshot.
  package func auditTrail(limit: Int) async throws(LedgerError) -> [AuditEntry] {
    try await database.read { session in
      var entries: [AuditEntry] = []
      for (sql, read) in Self.audits {
        entries += try session.rows(sql + " ORDER BY number DESC LIMIT ?", [SQLValue(limit)]).map(read)
      }
      // Stable: of one millisecond the newest row of a table stays in front.
      return Array(entries.sorted { $0.at > $1.at }.prefix(limit))
    }
  }

  private static let mostOfTarget = 400

  private static var audits: [(sql: String, read: (SQLRow) throws -> AuditEntry)] {
    [
      ("SELECT 'freeze.' || state AS act, '' AS target, changed_at, changed_by, reason FROM \"freeze\"", entry),
      (
        "SELECT 'provider.' || change AS act, provider AS target, changed_at, changed_by, reason FROM provider_hold_audit",
        entry
      ),
      ("SELECT 'key.' || change AS act, key_id AS target, changed_at, changed_by, reason FROM api_key_change", entry),
      (
        """
        SELECT CASE WHEN after IS NULL THEN 'user.unassign' ELSE 'user.assign' END AS act, user_id AS target, changed_at,
          changed_by, reason, before, after FROM assignment_audit
        """,
        { row in
          var entry = try entry(row)
          entry.before = try Self.grant(row.optionalText("before"))
          entry.after = try Self.grant(row.optionalText("after"))
          return entry
        }
      ),
      (
        """
        SELECT act, substr(target, 1, \(mostOfTarget + 1)) AS target, changed_at, changed_by, reason, surface, request_id,
          target_count, done, kept FROM intervention
        """, intervention
      ),
    ]
  }

  private static func entry(_ row: SQLRow) throws -> AuditEntry {
    AuditEntry(
      at: try row.time("changed_at"), by: try row.text("changed_by"), act: try row.text("act"),
      target: try row.text("target"), reason: try row.text("reason"))
  }

  private static func intervention(_ row: SQLRow) throws -> AuditEntry {
    var entry = try entry(row)
    if entry.target.count > mostOfTarget { entry.target = entry.target.prefix(mostOfTarget - 1) + "…" }
    entry.surface = try row.text("surface")
    entry.requestID = try row.optionalText("request_id")
    entry.targetCount = try row.optionalInt("target_count")
    if let done = try row.optionalInt("done"), let kept = try row.optionalInt("kept") {
      entry.outcome = Intervention.Outcome(done: done, kept: kept)
    }
    return entry
  }

  private static func grant(_ text: String?) throws -> AssignmentChange.Grant? {
    try text.map { try JSONDecoder().decode(AssignmentChange.Grant.self, from: Data($0.utf8)) }
  }
}
