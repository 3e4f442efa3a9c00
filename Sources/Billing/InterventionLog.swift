import Contracts

/// The table `intervention` of the ledger's database. Rows are never removed, and nothing of them changes but that the
/// outcome is added, once. Safe from any task and beside a running billing process.
package struct InterventionLog: Sendable {
  private let database: any LedgerDatabase
  private let now: @Sendable () -> Timestamp

  package init(in ledger: Ledger) {
    database = ledger.database
    now = ledger.now
  }

  /// To be called before the act: when this throws, the act must not begin.
  /// - Returns: the number of the row.
  package func begin(
    _ act: Intervention.Act, on target: Intervention.Target, _ note: ActNote
  ) async throws(LedgerError) -> Int64 {
    try Assignments.checkNote(by: note.by, reason: note.reason)
    let time = now()
    return try await database.write { session in
      let row = try session.row(
        """
        INSERT INTO intervention (changed_at, changed_by, surface, act, target, target_count, reason, request_id)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number
        """,
        [
          SQLValue(time), .text(note.by), .text(note.surface.rawValue), .text(act.rawValue), .text(target.text),
          target.count.map { SQLValue($0) } ?? .null, .text(note.reason), SQLValue(note.requestID),
        ])
      guard let row else { throw LedgerError(.unexpected, "a row that was added has no number") }
      return try row.integer("number")
    }
  }

  /// What came of it. An outcome that is there already stays.
  package func end(_ number: Int64, _ outcome: Intervention.Outcome) async throws(LedgerError) {
    let time = now()
    _ = try await database.write { session in
      try session.execute(
        "UPDATE intervention SET ended_at = ?, done = ?, kept = ? WHERE number = ? AND ended_at IS NULL",
        [SQLValue(time), SQLValue(outcome.done), SQLValue(outcome.kept), .integer(number)])
    }
  }
}
