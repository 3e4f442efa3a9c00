import Catalog
import Contracts

/// Books events inside one open transaction, a set at a time. Months are locked in the order of their keys, read once,
/// added to in memory and written once, so that a batch of one busy user costs one update and two processes that book for
/// the same users take turns.
struct LedgerBatch {
  struct Arrival: Sendable {
    let event: ArrivedEvent
    let entry: Result<LedgerEntry, LedgerEntry.Refusal>
  }

  private struct MonthKey: Hashable, Comparable {
    let user: String
    let period: String

    init(_ event: CostEvent) { (user, period) = (event.userID, event.chargePeriod) }

    static func < (left: MonthKey, right: MonthKey) -> Bool {
      (left.user, left.period) < (right.user, right.period)
    }
  }

  private let session: any SQLSession
  private let recordedAt: Timestamp
  private let policy: Policy
  private var months: [MonthKey: UserMonth] = [:]
  /// Those that had no row of their own before.
  private var created: Set<MonthKey> = []
  /// The events of each month that have a row, new or old.
  private var booked: [MonthKey: [String]] = [:]
  /// The tier of the newest row of each month that has changed.
  private var tiers: [MonthKey: String] = [:]
  private var knownRuns: Set<String> = []
  private var balances = BalanceChanges()
  /// Whether something is in quarantine that was not there before.
  private var hasRefused = false

  /// Of a quarantined body only this much is kept, in bytes.
  private static let keptBody = 16 * 1024

  /// - Parameter policy: in force now; knows the caps.
  init(session: any SQLSession, recordedAt: Timestamp, policy: Policy) {
    self.session = session
    self.recordedAt = recordedAt
    self.policy = policy
  }

  consuming func record(_ arrivals: [Arrival]) throws -> RecordedBatch {
    let entries = arrivals.compactMap { arrival in
      if case .success(let entry) = arrival.entry { entry } else { nil }
    }
    try readMonths(of: entries)
    try readRuns(of: entries)
    try balances.read(of: entries.map(\.event), from: session)
    let closed = try ClosedMonths.periods(in: session)
    var rows = entries.isEmpty || isNearTheEnd(entries) ? nil : try insert(entries, closed)[...]
    var outcomes: [RecordOutcome] = []
    outcomes.reserveCapacity(arrivals.count)
    for arrival in arrivals {
      switch arrival.entry {
      case .success(let entry):
        if rows == nil {
          outcomes.append(try book(carefully: entry, of: arrival.event, closed))
        } else {
          outcomes.append(try book(entry, of: arrival.event, row: rows?.removeFirst() ?? nil))
        }
      case .failure(let refusal):
        outcomes.append(
          try quarantine(arrival.event, id: LedgerEntry.id(in: arrival.event.body), reason: refusal.reason))
      }
    }
    return RecordedBatch(outcomes: outcomes, months: try finish())
  }

  private mutating func readMonths(of entries: [LedgerEntry]) throws {
    let keys = Set(entries.map { MonthKey($0.event) }).sorted()
    if session.isShared {
      // A row that is not there cannot be locked.
      let added = try session.each(
        UserMonth.insertEmpty, keys.map { UserMonth(userID: $0.user, chargePeriod: $0.period).values })
      for (key, rows) in zip(keys, added) where !rows.isEmpty { created.insert(key) }
    }
    let found = try session.each(UserMonth.select + session.forUpdate, keys.map { [.text($0.user), .text($0.period)] })
    for (key, rows) in zip(keys, found) {
      months[key] =
        try rows.first.map { try UserMonth($0) } ?? UserMonth(userID: key.user, chargePeriod: key.period)
    }
  }

  private mutating func readRuns(of entries: [LedgerEntry]) throws {
    let runs = Array(Set(entries.map(\.run)))
    let found = try session.each(LedgerEntry.selectRun, runs.map { [.text($0 + "/"), .text($0 + "0")] })
    knownRuns = Set(zip(runs, found).compactMap { $1.isEmpty ? nil : $0 })
  }

  /// The numbers of the new rows; nil where the event id was taken.
  private func insert(_ entries: [LedgerEntry], _ closed: Set<String>) throws -> [Int64?] {
    try session.each(
      LedgerEntry.insert,
      entries.map { entry in
        let period = ClosedMonths.billingPeriod(of: entry.event.chargePeriod, closed, now: recordedAt)
        return entry.values + [SQLValue(recordedAt), .text(period)]
      }
    ).map { try $0.first?.integer("row_number") }
  }

  /// Whether a sum might no longer fit if all events were new.
  private func isNearTheEnd(_ entries: [LedgerEntry]) -> Bool {
    guard balances.hold(entries.map(\.event)) else { return true }
    var sums = months
    return !entries.allSatisfy { entry in
      let key = MonthKey(entry.event)
      guard let sum = sums[key]?.adding(entry.event, isNewRun: true) else { return false }
      sums[key] = sum
      return true
    }
  }

  private mutating func book(
    carefully entry: LedgerEntry, of arrived: ArrivedEvent, _ closed: Set<String>
  ) throws -> RecordOutcome {
    let isTaken = try session.row("SELECT 1 AS one FROM usage_cost WHERE event_id = ?", [.text(entry.event.id)]) != nil
    if isTaken { return try book(entry, of: arrived, row: nil) }
    guard months[MonthKey(entry.event)]?.adding(entry.event, isNewRun: true) != nil else {
      return try quarantine(arrived, id: entry.event.id, reason: "the user's sum of the month is out of range")
    }
    guard balances.hold([entry.event]) else {
      return try quarantine(arrived, id: entry.event.id, reason: "the fleet's sum of the month is out of range")
    }
    return try book(entry, of: arrived, row: try insert([entry], closed)[0])
  }

  /// - Parameter row: nil if another row has the id.
  private mutating func book(
    _ entry: LedgerEntry, of arrived: ArrivedEvent, row: Int64?
  ) throws -> RecordOutcome {
    let event = entry.event
    let key = MonthKey(event)
    if let row {
      let isNewRun = knownRuns.insert(entry.run).inserted
      guard var sum = months[key]?.adding(event, isNewRun: isNewRun) else {
        fatalError("Bug: a row was added whose month cannot hold it")
      }
      sum.lastRow = max(sum.lastRow + 1, row)
      months[key] = sum
      tiers[key] = event.tier
      balances.add(event)
      booked[key, default: []].append(event.id)
      // A correction says something of a time long gone; it did not wait since then.
      return .inserted(row: row, occurredAt: event.corrects == nil ? event.time : recordedAt)
    }
    if try session.row(LedgerEntry.selectSame, entry.values) != nil {
      booked[key, default: []].append(event.id)
      return .duplicate
    }
    _ = try quarantine(arrived, id: event.id, reason: "conflict: another event is recorded under this id")
    return .conflict(eventID: event.id)
  }

  private mutating func quarantine(_ arrived: ArrivedEvent, id: String?, reason: String) throws -> RecordOutcome {
    let added = try session.execute(
      """
      INSERT INTO quarantined_event (event_id, reason, body, body_bytes, received_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING
      """,
      [
        SQLValue(id), .text(reason), .bytes(Array(arrived.body.prefix(Self.keptBody))), SQLValue(arrived.body.count),
        SQLValue(recordedAt),
      ])
    if added > 0 { hasRefused = true }
    return .quarantined(reason: reason)
  }

  /// Writes the months and balances back, with the alerts that they give reason to; the transaction is complete then.
  private func finish() throws -> [BookedMonth] {
    let changed = tiers.keys.sorted()
    _ = try session.each(UserMonth.upsert, changed.compactMap { months[$0]?.values })
    let unused = created.subtracting(changed)
    for key in unused.sorted() {
      try session.execute(
        "DELETE FROM user_month WHERE user_id = ? AND charge_period = ? AND last_row = 0",
        [.text(key.user), .text(key.period)])
    }
    let assigned = try session.each(Assignments.select, changed.map { [.text($0.user)] })
    var alerts: [Alert] = []
    for (key, rows) in zip(changed, assigned) {
      guard let month = months[key], let tier = tiers[key] else { continue }
      let entitlement = try rows.first.map { try Assignments.assignment($0) }?.entitlement
      alerts += Alert.due(on: month, tier: tier, entitlement: entitlement, policy: policy, at: recordedAt)
    }
    for balance in try balances.write(to: session) {
      alerts += Alert.due(on: balance, budgets: policy.budgets, at: recordedAt)
    }
    _ = try session.each(Alert.insert, alerts.map { $0.values(at: recordedAt) })
    if hasRefused {
      let quarantine = Condition(.init(.ledgerQuarantine, .fleet), since: recordedAt)
      _ = try quarantine.raised(nil).begin(in: session, at: recordedAt)
    }
    return booked.compactMap { key, events in
      guard let month = months[key], month.lastRow > 0 else { return nil }
      return BookedMonth(month: month, eventIDs: events)
    }
  }
}
