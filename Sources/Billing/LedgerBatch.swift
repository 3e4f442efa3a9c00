import Catalog
import Contracts
import Foundation
import GRDB

/// Books events inside one open transaction. Months are read once, added to in memory and written once at the end, so
/// that a batch of one busy user costs one update.
struct LedgerBatch {
  private struct MonthKey: Hashable {
    let user: String
    let period: String
  }

  private let database: Database
  private let recordedAt: Timestamp
  private var months: [MonthKey: UserMonth] = [:]
  /// The events of each month that have a row, new or old.
  private var booked: [MonthKey: [String]] = [:]
  /// The tier of the newest row of each month that has changed.
  private var tiers: [MonthKey: String] = [:]

  /// Of a quarantined body only this much is kept, in bytes.
  private static let keptBody = 16 * 1024

  init(database: Database, recordedAt: Timestamp) {
    self.database = database
    self.recordedAt = recordedAt
  }

  mutating func record(
    _ arrived: ArrivedEvent, _ entry: Result<LedgerEntry, LedgerEntry.Refusal>
  ) throws -> RecordOutcome {
    switch entry {
    case .success(let entry): return try book(entry, of: arrived)
    case .failure(let refusal): return try quarantine(arrived, id: Self.id(in: arrived.body), reason: refusal.reason)
    }
  }

  /// Writes the months back, with the alerts that they give reason to; the transaction is complete then.
  /// - Parameter policy: knows the caps.
  func finish(under policy: Policy) throws -> [BookedMonth] {
    for (key, tier) in tiers {
      guard let month = months[key] else { continue }
      try month.save(to: database)
      let assigned = try Assignments.fetch(month.userID, from: database)?.entitlement
      for alert in Alert.due(on: month, tier: tier, entitlement: assigned, policy: policy, at: recordedAt) {
        try alert.insert(into: database, at: recordedAt)
      }
    }
    return booked.compactMap { key, events in months[key].map { BookedMonth(month: $0, eventIDs: events) } }
  }

  private mutating func book(_ entry: LedgerEntry, of arrived: ArrivedEvent) throws -> RecordOutcome {
    let event = entry.event
    let key = MonthKey(user: event.userID, period: event.chargePeriod)
    let month =
      try months[key] ?? UserMonth.fetch(user: key.user, period: key.period, from: database)
      ?? UserMonth(userID: key.user, chargePeriod: key.period)
    months[key] = month
    let isNewRun = try !entry.runIsKnown(in: database)
    guard var sum = month.adding(event, isNewRun: isNewRun) else {
      return try quarantine(arrived, id: event.id, reason: "the user's sum of the month is out of range")
    }
    if let row = try entry.insert(into: database, recordedAt: recordedAt) {
      sum.lastRow = row
      months[key] = sum
      tiers[key] = event.tier
      booked[key, default: []].append(event.id)
      return .inserted(row: row, occurredAt: event.time)
    }
    if try entry.isRecorded(in: database) {
      booked[key, default: []].append(event.id)
      return .duplicate
    }
    _ = try quarantine(arrived, id: event.id, reason: "conflict: another event is recorded under this id")
    return .conflict(eventID: event.id)
  }

  private func quarantine(_ arrived: ArrivedEvent, id: String?, reason: String) throws -> RecordOutcome {
    let statement = try database.cachedStatement(
      sql: """
        INSERT INTO quarantined_event (event_id, reason, body, body_bytes, received_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (body, body_bytes) DO NOTHING
        """)
    let body = Data(arrived.body.prefix(Self.keptBody))
    try statement.execute(arguments: [id, reason, body, arrived.body.count, recordedAt.description])
    return .quarantined(reason: reason)
  }

  /// The id that an unacceptable event claims, when that much can be read.
  private static func id(in body: [UInt8]) -> String? {
    guard case .success(let document) = Result(catching: { () throws(JSONFault) in try JSONParser.parse(body) }) else {
      return nil
    }
    return document.root["id"]?.string.map { String($0.prefix(LedgerEntry.maximumTextLength)) }
  }
}
