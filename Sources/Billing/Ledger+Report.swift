import Contracts

extension Ledger {
  package func report(_ query: LedgerQuery) async throws(LedgerError) -> LedgerReport {
    try await database.read { try Self.report(query, in: $0) }
  }

  /// Counts and amounts are summed by the database in whole numbers; quantities are decimals, hence summed here, row
  /// by row.
  private static func report(_ query: LedgerQuery, in session: any SQLSession) throws -> LedgerReport {
    let key = query.grouping.expression
    var units = try units(of: query, in: session)
    let sums = """
      count(DISTINCT job_id || '/' || run) AS jobs, count(*) FILTER (WHERE corrects IS NULL) AS attempts,
      CAST(coalesce(sum(amount_nano_usd), 0) AS BIGINT) AS amount,
      CAST(coalesce(sum(amount_nano_usd) FILTER (WHERE corrects IS NOT NULL), 0) AS BIGINT) AS corrections
      FROM usage_cost \(query.condition)
      """
    func row(_ row: SQLRow, key: String, units: [Usage.Unit: ExactDecimal]) throws -> LedgerReport.Row {
      LedgerReport.Row(
        key: key, jobs: try row.int("jobs"), attempts: try row.int("attempts"), amount: try row.money("amount"),
        corrections: try row.money("corrections"), units: units)
    }
    let rows = try session.rows("SELECT \(key) AS key, \(sums) GROUP BY 1 ORDER BY 1", query.values).map { found in
      let key = try found.text("key")
      return try row(found, key: key, units: units.removeValue(forKey: key) ?? [:])
    }
    guard let total = try session.row("SELECT \(sums)", query.values) else {
      throw LedgerError(.unexpected, "a sum without groups gave no row")
    }
    var allUnits: [Usage.Unit: ExactDecimal] = [:]
    for row in rows { allUnits.add(row.units) }
    return LedgerReport(grouping: query.grouping, rows: rows, total: try row(total, key: "", units: allUnits))
  }

  private static func units(
    of query: LedgerQuery, in session: any SQLSession
  ) throws -> [String: [Usage.Unit: ExactDecimal]] {
    var units: [String: [Usage.Unit: ExactDecimal]] = [:]
    try session.scan(
      "SELECT \(query.grouping.expression) AS key, usage FROM usage_cost \(query.condition) AND usage <> '[]'",
      query.values
    ) { row in
      units[try row.text("key"), default: [:]].add(try LedgerEntry.usage(reading: try row.text("usage")))
    }
    return units
  }
}

extension LedgerQuery {
  fileprivate var condition: String {
    "WHERE TRUE" + (from == nil ? "" : " AND occurred_at >= ?") + (to == nil ? "" : " AND occurred_at < ?")
      + (billingPeriod == nil ? "" : " AND billing_period = ?")
  }

  fileprivate var values: [SQLValue] {
    [from.map { SQLValue($0) }, to.map { SQLValue($0) }, billingPeriod.map { .text($0) }].compactMap(\.self)
  }
}

extension LedgerQuery.Grouping {
  fileprivate var expression: String {
    switch self {
    case .user: "user_id"
    case .tier: "tier"
    case .provider: "provider"
    case .model: "model"
    case .task: "task_type"
    case .day: "substr(occurred_at, 1, 10)"
    }
  }
}
