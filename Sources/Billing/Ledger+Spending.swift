package import Contracts

/// What a tier spent on a UTC day.
package struct SpendingDay: Sendable, Hashable {
  /// `2026-11-22`.
  package var day: String
  /// By code.
  package var tier: String
  package var amount: Money
  /// Of attempts that did not succeed; part of `amount`.
  package var failed: Money
  /// Distinct runs.
  package var jobs: Int

  package init(day: String, tier: String, amount: Money, failed: Money, jobs: Int) {
    self.day = day
    self.tier = tier
    self.amount = amount
    self.failed = failed
    self.jobs = jobs
  }
}

/// How a month stands.
package struct SpendingMonth: Sendable, Hashable {
  /// By scope: `fleet`, `tier:PRO`, `provider:openai`; only those that have rows.
  package var balances: [String: Money]
  /// Users that were told of as much of a cap or of a quota as was asked for.
  package var usersNearLimit: Int
  /// When the newest row of all was booked; nil for an empty ledger.
  package var lastBooked: Timestamp?
}

extension Ledger {
  /// By day and tier, in this order, of attempts from an instant on. Looks at each row from there on: the more often it is
  /// asked for, the later it should begin.
  package func spending(from begin: Timestamp) async throws(LedgerError) -> [SpendingDay] {
    try await database.read { session in
      try session.rows(
        """
        SELECT substr(occurred_at, 1, 10) AS day, tier, count(DISTINCT job_id || '/' || run) AS jobs,
          CAST(coalesce(sum(amount_nano_usd), 0) AS BIGINT) AS amount,
          CAST(coalesce(sum(amount_nano_usd) FILTER (WHERE outcome <> 'success'), 0) AS BIGINT) AS failed
        FROM usage_cost WHERE occurred_at >= ? GROUP BY 1, 2 ORDER BY 1, 2
        """, [SQLValue(begin)]
      ).map { row in
        SpendingDay(
          day: try row.text("day"), tier: try row.text("tier"), amount: try row.money("amount"),
          failed: try row.money("failed"), jobs: try row.int("jobs"))
      }
    }
  }

  /// Looks at sums and alerts only, whatever the number of rows.
  /// - Parameters:
  ///   - period: `2026-11`.
  ///   - percent: one of `Alert.thresholds`.
  package func spendingMonth(_ period: String, nearLimit percent: Int) async throws(LedgerError) -> SpendingMonth {
    try await database.read { session in
      let balances = try session.rows(
        "SELECT scope, amount_nano_usd FROM balance WHERE charge_period = ?", [.text(period)]
      ).map { (try $0.text("scope"), try $0.money("amount_nano_usd")) }
      let near = try session.row(
        """
        SELECT count(DISTINCT scope) AS users FROM alert
        WHERE period = ? AND threshold >= ? AND scope LIKE 'user:%'
        """, [.text(period), SQLValue(percent)])
      let last = try session.rows("SELECT recorded_at FROM usage_cost ORDER BY row_number DESC LIMIT 1").first
      return SpendingMonth(
        balances: Dictionary(balances) { first, _ in first }, usersNearLimit: try near?.int("users") ?? 0,
        lastBooked: try last?.time("recorded_at"))
    }
  }
}
