import Contracts

extension Ledger {
  package func unsentAlerts(limit: Int) async throws(LedgerError) -> [StoredAlert] {
    try await database.read { session in
      try session.rows("SELECT * FROM alert WHERE sent_at IS NULL ORDER BY number LIMIT ?", [SQLValue(limit)])
        .map { try StoredAlert($0) }
    }
  }

  /// Newest first, whether or not somebody was told.
  package func newestAlerts(limit: Int) async throws(LedgerError) -> [StoredAlert] {
    try await database.read { session in
      try session.rows("SELECT * FROM alert ORDER BY number DESC LIMIT ?", [SQLValue(limit)])
        .map { try StoredAlert($0) }
    }
  }

  /// What is the matter now, as it was told when it began; the longest first.
  package func openAlerts() async throws(LedgerError) -> [StoredAlert] {
    try await database.read { session in
      try session.rows(
        """
        SELECT alert.* FROM condition JOIN alert ON alert.scope = condition.scope AND alert.period = condition.since
          AND alert.kind = condition.kind AND alert.threshold = 100
        ORDER BY condition.since, condition.scope, condition.kind
        """
      ).map { try StoredAlert($0) }
    }
  }

  package func markSent(_ alerts: [StoredAlert]) async throws(LedgerError) {
    let sentAt = SQLValue(now())
    try await database.write { session in
      _ = try session.each(
        "UPDATE alert SET sent_at = ? WHERE number = ?", alerts.map { [sentAt, .integer($0.number)] })
    }
  }

  /// Takes over what only one process of the fleet shall do, or keeps it. False when another one has it.
  /// - Parameter length: how long it stays this process' without being asked for again.
  package func takeRole(_ name: String, holder: String, for length: Duration) async throws(LedgerError) -> Bool {
    let time = now()
    let until = Timestamp(milliseconds: time.milliseconds + length.milliseconds)
    return try await database.write { session in
      let row = try session.row(
        """
        INSERT INTO role (name, holder, until) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
          WHERE role.holder = excluded.holder OR role.until < ?
        RETURNING holder
        """,
        [.text(name), .text(holder), SQLValue(until), SQLValue(time)])
      return row != nil
    }
  }
}
