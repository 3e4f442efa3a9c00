package import Catalog
package import Contracts

/// The seam between billing and its database: SQLite here; a shared server has the same promises. Any number of tasks
/// may call at once.
package protocol LedgerStore: Sendable {
  /// Books a batch in one transaction. When this returns, the batch is on disk, with the alerts that it gave reason to;
  /// when it throws, nothing of it is. An event may come any number of times, alone or within one batch.
  /// - Parameter policy: in force now, for the caps.
  func record(_ events: [ArrivedEvent], under policy: Policy) async throws(LedgerError) -> RecordedBatch

  /// Sums over the rows, all of one snapshot.
  func report(_ query: LedgerQuery) async throws(LedgerError) -> LedgerReport

  /// What a user has been charged in a month (`2026-11`); nil before the first row.
  func userMonth(of user: String, period: String) async throws(LedgerError) -> UserMonth?

  /// The months of all users in some periods, in the order of periods and users: at most `limit` behind `last`.
  func months(of periods: [String], after last: UserMonth?, limit: Int) async throws(LedgerError) -> [UserMonth]

  /// Those of the events that have a row, by their months, all of one snapshot.
  func booked(_ eventIDs: [String]) async throws(LedgerError) -> [BookedMonth]

  /// The alerts that nobody was told of yet, oldest first.
  func unsentAlerts(limit: Int) async throws(LedgerError) -> [StoredAlert]
  func markSent(_ alerts: [StoredAlert]) async throws(LedgerError)
}

/// What `record` made of a batch.
package struct RecordedBatch: Sendable, Hashable {
  /// One per event, in order.
  package var outcomes: [RecordOutcome]
  /// Every month that an event of the batch belongs to, as it is now.
  package var months: [BookedMonth]

  package init(outcomes: [RecordOutcome], months: [BookedMonth]) {
    self.outcomes = outcomes
    self.months = months
  }
}

/// A month of a user, and events of it that are in its sums.
package struct BookedMonth: Sendable, Hashable {
  package var month: UserMonth
  package var eventIDs: [String]

  package init(month: UserMonth, eventIDs: [String]) {
    self.month = month
    self.eventIDs = eventIDs
  }
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
