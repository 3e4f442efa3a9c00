// Alerts and the webhook, which is told of each apart from the exchange: that one is down must not hold up the other.

extension Ledger {
  /// Those that the webhook was not told of yet, oldest first.
  package func unnotifiedAlerts(limit: Int) async throws(LedgerError) -> [StoredAlert] {
    try await database.read { session throws(LedgerError) in
      try session.rows("SELECT * FROM alert WHERE notified_at IS NULL ORDER BY number LIMIT ?", [SQLValue(limit)])
        .map { row throws(LedgerError) in try StoredAlert(row) }
    }
  }

  /// It was told, or need not be.
  package func markNotified(_ alerts: [StoredAlert]) async throws(LedgerError) {
    guard !alerts.isEmpty else { return }
    let time = SQLValue(now())
    _ = try await database.write { session throws(LedgerError) in
      try session.each(
        "UPDATE alert SET notified_at = ? WHERE number = ?", alerts.map { [time, .integer($0.number)] })
    }
  }
}
