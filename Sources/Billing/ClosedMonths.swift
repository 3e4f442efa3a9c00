package import Contracts

/// A month whose statement was given out: what comes for it later stands in the statement of a later month.
package struct ClosedMonth: Sendable, Hashable {
  /// `2026-11`.
  package var period: String
  package var closedAt: Timestamp
  /// Who did it and why, in their own words.
  package var closedBy: String
  package var reason: String
  /// Rows in its statement, and what they come to.
  package var rows: Int
  package var amount: Money
}

/// Closed months in the ledger's database. A month is closed once and stays as it is.
package struct ClosedMonths: Sendable {
  private let database: any LedgerDatabase
  private let now: @Sendable () -> Timestamp

  package init(in ledger: Ledger) {
    database = ledger.database
    now = ledger.now
  }

  /// In their order.
  package func list() async throws(LedgerError) -> [ClosedMonth] {
    try await database.read { session in
      try session.rows("SELECT * FROM closed_month ORDER BY charge_period").map { try Self.month($0) }
    }
  }

  /// Closes a month that is over, and with it the months before it in which nothing stands, back to the first row; one
  /// that is closed stays as it is. Nobody books meanwhile: about a tenth of a second for a million rows.
  package func close(
    _ period: String, by: String, reason: String
  ) async throws(LedgerError) -> (month: ClosedMonth, isNew: Bool) {
    try Assignments.checkNote(by: by, reason: reason)
    let time = now()
    guard Timestamp("\(period)-01T00:00:00Z") != nil else {
      throw LedgerError(.refused, "period: a month like 2026-11")
    }
    guard period < time.chargePeriod else { throw LedgerError(.tooEarly, "\(period) is not over yet (UTC)") }
    return try await database.writeUnhurried { session in
      // Whoever books reads this table first.
      if session.isShared { try session.execute("LOCK TABLE closed_month IN ACCESS EXCLUSIVE MODE", []) }
      if let row = try session.row("SELECT * FROM closed_month WHERE charge_period = ?", [.text(period)]) {
        return (try Self.month(row), false)
      }
      let closed = try Self.periods(in: session)
      let begun = try Self.begun(before: period, in: session)
      if let open = begun.first(where: { !closed.contains($0) }) {
        throw LedgerError(.tooEarly, "\(open) has rows and is still open; close it first")
      }
      if let first = begun.first {
        for empty in Self.months(from: first, before: period) where !closed.contains(empty) {
          try Self.insert(
            ClosedMonth(period: empty, closedAt: time, closedBy: by, reason: reason, rows: 0, amount: .zero), session)
        }
      }
      guard let sums = try session.row(Self.sum, [.text(period)]) else {
        throw LedgerError(.unexpected, "a sum without groups gave no row")
      }
      let month = ClosedMonth(
        period: period, closedAt: time, closedBy: by, reason: reason, rows: try sums.int("rows"),
        amount: try sums.money("amount"))
      try Self.insert(month, session)
      return (month, true)
    }
  }

  /// Of one month, from its index alone.
  static let sum = """
    SELECT count(*) AS rows, CAST(coalesce(sum(amount_nano_usd), 0) AS BIGINT) AS amount FROM usage_cost
    WHERE billing_period = ?
    """

  /// The next month in which rows stand: one look into the index.
  static let nextBegun = "SELECT min(billing_period) AS period FROM usage_cost WHERE billing_period > ?"

  /// The months before this one in which rows stand, in their order.
  private static func begun(before period: String, in session: any SQLSession) throws -> [String] {
    var found: [String] = []
    while let next = try session.row(nextBegun, [.text(found.last ?? "")])?.optionalText("period"), next < period {
      found.append(next)
    }
    return found
  }

  private static func insert(_ month: ClosedMonth, _ session: any SQLSession) throws {
    try session.execute(
      """
      INSERT INTO closed_month (charge_period, closed_at, closed_by, reason, row_count, amount_nano_usd)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(month.period), SQLValue(month.closedAt), .text(month.closedBy), .text(month.reason),
        SQLValue(month.rows), SQLValue(month.amount),
      ])
  }

  static func periods(in session: any SQLSession) throws -> Set<String> {
    Set(try session.rows("SELECT charge_period FROM closed_month").map { try $0.text("charge_period") })
  }

  /// In whose statement a row stands: its own month, or the first one after all that are closed if it is not behind
  /// these. A month in which nothing stood when a later one was closed is closed with it.
  static func billingPeriod(of period: String, _ closed: Set<String>, now: Timestamp) -> String {
    guard let last = closed.max(), period <= last else { return period }
    return next(after: last) ?? max(period, now.chargePeriod)
  }

  private static func month(_ row: SQLRow) throws -> ClosedMonth {
    ClosedMonth(
      period: try row.text("charge_period"), closedAt: try row.time("closed_at"), closedBy: try row.text("closed_by"),
      reason: try row.text("reason"), rows: try row.int("row_count"), amount: try row.money("amount_nano_usd"))
  }

  private static func months(from first: String, before end: String) -> [String] {
    Array(sequence(first: first) { next(after: $0) }.prefix { $0 < end })
  }

  private static func next(after period: String) -> String? {
    guard let start = Timestamp("\(period)-01T00:00:00Z") else { return nil }
    return Timestamp(milliseconds: start.milliseconds + 32 * 86_400_000).chargePeriod
  }
}
