package import Contracts

/// A cost event that could not be booked, without its body: that may hold anything.
package struct QuarantinedEvent: Sendable, Hashable {
  /// Rises with each.
  package var number: Int64
  /// The id that it claims; nil where none can be read. Anybody's text.
  package var eventID: String?
  package var reason: String
  package var receivedAt: Timestamp
  /// Of the whole body, of which the ledger keeps the beginning.
  package var bytes: Int
}

extension Ledger {
  /// The newest first.
  package func quarantine(limit: Int) async throws(LedgerError) -> [QuarantinedEvent] {
    try await database.read { session in
      try session.rows(
        """
        SELECT number, event_id, reason, received_at, body_bytes FROM quarantined_event ORDER BY number DESC LIMIT ?
        """, [SQLValue(limit)]
      ).map { row in
        QuarantinedEvent(
          number: try row.integer("number"), eventID: try row.optionalText("event_id"), reason: try row.text("reason"),
          receivedAt: try row.time("received_at"), bytes: try row.int("body_bytes"))
      }
    }
  }
}
