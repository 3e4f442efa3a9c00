package import Catalog
package import Contracts

/// Holds the ledger's sums against its rows, and what providers stated against what the price book says. Reads only,
/// each answer of one snapshot.
package struct Reconciliation: Sendable {
  /// A sum that the ledger keeps, and what its rows come to.
  package struct Mismatch: Sendable, Hashable {
    /// `user:anna`, `tier:PRO`, `provider:openai`, `fleet`.
    package var scope: String
    /// `2026-11`.
    package var period: String
    package var kept: Money
    package var rows: Money

    package init(scope: String, period: String, kept: Money, rows: Money) {
      self.scope = scope
      self.period = period
      self.kept = kept
      self.rows = rows
    }
  }

  /// One day of one provider, UTC.
  package struct Day: Sendable, Hashable {
    package var day: String
    package var provider: String
    /// Attempts; a correction is not one.
    package var attempts = 0
    package var amount = Money.zero
    // What the amount consists of.
    package var stated = Money.zero
    package var byPriceBook = Money.zero
    package var estimated = Money.zero
    package var corrections = Money.zero
    /// What estimates come to of which nobody has learned the truth since, with what repricing changed of them.
    package var openEstimates = Money.zero
    /// What the price book says of the attempts whose cost was stated; those without a price are left out.
    package var statedByPriceBook = Money.zero
    /// Stated attempts for which the book has no price.
    package var statedUnpriced = Money.zero

    package init(day: String, provider: String) {
      self.day = day
      self.provider = provider
    }

    /// What was stated beyond the price book.
    package var drift: Money { stated - statedUnpriced - statedByPriceBook }
  }

  private let ledger: Ledger
  private let prices: PriceBook

  package init(of ledger: Ledger, with prices: PriceBook) {
    self.ledger = ledger
    self.prices = prices
  }

  /// The sums of users, tiers, providers and the fleet that differ from the rows; none, unless a foreign hand was there.
  package func mismatches() async throws(LedgerError) -> [Mismatch] {
    try await ledger.database.read { session in
      try Self.kept.flatMap { scope, table, key in
        try session.rows(
          """
          SELECT \(scope) AS scope, coalesce(r.charge_period, k.charge_period) AS period,
            CAST(coalesce(r.amount, 0) AS BIGINT) AS rows_amount, coalesce(k.amount_nano_usd, 0) AS kept_amount
          FROM (SELECT \(key) AS scope, charge_period, sum(amount_nano_usd) AS amount FROM usage_cost GROUP BY 1, 2) r
          FULL OUTER JOIN \(table) k ON k.scope = r.scope AND k.charge_period = r.charge_period
          WHERE coalesce(r.amount, 0) <> coalesce(k.amount_nano_usd, 0)
          ORDER BY 1, 2
          """
        ).map { row in
          Mismatch(
            scope: try row.text("scope"), period: try row.text("period"), kept: try row.money("kept_amount"),
            rows: try row.money("rows_amount"))
        }
      }
    }
  }

  /// Name of a sum, the table it is kept in, the rows that belong to it.
  private static let kept = [
    (
      "'user:' || coalesce(r.scope, k.scope)",
      "(SELECT user_id AS scope, charge_period, amount_nano_usd FROM user_month)", "user_id"
    ),
    ("coalesce(r.scope, k.scope)", "(SELECT * FROM balance WHERE scope = 'fleet')", "'fleet'"),
    ("coalesce(r.scope, k.scope)", "(SELECT * FROM balance WHERE scope LIKE 'tier:%')", "'tier:' || tier"),
    ("coalesce(r.scope, k.scope)", "(SELECT * FROM balance WHERE scope LIKE 'provider:%')", "'provider:' || provider"),
  ]

  /// A late result is the correction number 0, and says what was used; later ones come from a changed price book.
  private static let openEstimates = """
    SELECT substr(e.occurred_at, 1, 10) AS day, e.provider AS provider, CAST(sum(
      e.amount_nano_usd + (SELECT coalesce(sum(c.amount_nano_usd), 0) FROM usage_cost c WHERE c.corrects = e.event_id)
    ) AS BIGINT) AS amount
    FROM usage_cost e
    WHERE e.occurred_at >= ? AND e.occurred_at < ? AND e.basis = 'estimate' AND e.corrects IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM usage_cost c WHERE c.corrects = e.event_id
          AND (c.basis = 'provider' OR (c.basis = 'price_book' AND c.event_id = e.event_id || '/c0')))
    GROUP BY 1, 2
    """

  /// In the order of days and providers.
  /// - Parameters:
  ///   - from: counts, by the time of the attempt.
  ///   - to: does not count.
  package func days(from: Timestamp, to: Timestamp) async throws(LedgerError) -> [Day] {
    try await ledger.database.read { [prices] session in
      var days: [String: Day] = [:]
      try session.scan(
        "SELECT * FROM usage_cost WHERE occurred_at >= ? AND occurred_at < ?", [SQLValue(from), SQLValue(to)]
      ) { row in
        let event = try LedgerEntry.event(reading: row)
        let day = String(event.time.description.prefix(10))
        let key = "\(day) \(event.provider)"
        var sum = days[key] ?? Day(day: day, provider: event.provider)
        sum.add(event, prices)
        days[key] = sum
      }
      for row in try session.rows(Self.openEstimates, [SQLValue(from), SQLValue(to)]) {
        let key = "\(try row.text("day")) \(try row.text("provider"))"
        days[key]?.openEstimates = try row.money("amount")
      }
      return days.sorted { $0.key < $1.key }.map(\.value)
    }
  }
}

extension Reconciliation.Day {
  fileprivate mutating func add(_ event: CostEvent, _ prices: PriceBook) {
    let cost = event.cost.amount
    amount = amount + cost
    guard event.corrects == nil else {
      corrections = corrections + cost
      return
    }
    attempts += 1
    switch event.cost.basis {
    case .priceBook: byPriceBook = byPriceBook + cost
    case .estimate: estimated = estimated + cost
    case .provider:
      stated = stated + cost
      let price = prices.price(provider: event.provider, model: event.model, at: event.time)
      if let expected = price?.cost(of: event.usage) {
        statedByPriceBook = statedByPriceBook + expected
      } else {
        statedUnpriced = statedUnpriced + cost
      }
    }
  }
}
