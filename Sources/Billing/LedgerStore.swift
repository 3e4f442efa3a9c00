package import Contracts

/// The seam between billing and its database: SQLite here; a shared server has the same promises. Any number of tasks
/// may call at once.
package protocol LedgerStore: Sendable {
  /// Books a batch in one transaction and returns one outcome per event, in order. When this returns, the batch is on
  /// disk; when it throws, nothing of it is. An event may come any number of times, alone or within one batch.
  func record(_ events: [ArrivedEvent]) async throws(LedgerError) -> [RecordOutcome]

  /// Sums over the rows, all of one snapshot.
  func report(_ query: LedgerQuery) async throws(LedgerError) -> LedgerReport

  /// What a user has been charged in a month (`2026-11`); nil before the first row.
  func userMonth(of user: String, period: String) async throws(LedgerError) -> UserMonth?
}

/// The body of one message of `costs.ledger`, not looked at yet.
package struct ArrivedEvent: Sendable, Hashable {
  package var body: [UInt8]

  package init(body: [UInt8]) { self.body = body }
}

/// What became of an arrived event. Each of these is final: the message may be acked.
package enum RecordOutcome: Sendable, Hashable {
  /// A new row. Row numbers rise with every row and are never used twice. `occurredAt` is the event's own time.
  case inserted(row: Int64, occurredAt: Timestamp)
  /// The row exists with the same content.
  case duplicate
  /// A row of this id exists with other content; the newcomer is in `quarantined_event`.
  case conflict(eventID: String)
  /// Not a cost event that can be booked; it is in `quarantined_event`. The reason never quotes the body.
  case quarantined(reason: String)
}
