import Contracts

extension Ledger {
  /// Over 200,000 rows it takes seconds: see `LedgerDatabase.readUnhurried`.
  package func report(_ query: LedgerQuery) async throws(LedgerError) -> LedgerReport {
    try await database.readUnhurried { try Self.report(query, in: $0) }
  }

  /// What a report asks for: groups, their total, quantities. Counts and amounts are summed by the database in whole
  /// numbers; quantities are decimals, hence summed here, row by row.
  static func statements(of query: LedgerQuery) -> [String] {
    let key = query.grouping.expression
    let sums = """
      count(DISTINCT job_id || '/' || run) AS jobs, count(*) FILTER (WHERE corrects IS NULL) AS attempts,
      CAST(coalesce(sum(amount_nano_usd), 0) AS BIGINT) AS amount,
      CAST(coalesce(sum(amount_nano_usd) FILTER (WHERE corrects IS NOT NULL), 0) AS BIGINT) AS corrections
      FROM usage_cost \(query.condition)
      """
    return [
      "SELECT \(key) AS key, \(sums) GROUP BY 1 ORDER BY 1", "SELECT \(sums)",
      "SELECT \(key) AS key, usage FROM usage_cost \(query.condition) AND usage <> '[]'",
    ]
  }

  private static func report(_ query: LedgerQuery, in session: any SQLSession) throws -> LedgerReport {
    let statements = statements(of: query)
    func row(_ row: SQLRow, key: String, units: [Usage.Unit: ExactDecimal]) throws -> LedgerReport.Row {
      LedgerReport.Row(
        key: key, jobs: try row.int("jobs"), attempts: try row.int("attempts"), amount: try row.money("amount"),
        corrections: try row.money("corrections"), units: units)
    }
    var units: [String: [Usage.Unit: ExactDecimal]] = [:]
    try session.scan(statements[2], query.values) { row in
      units[try row.text("key"), default: [:]].add(try LedgerEntry.usage(reading: try row.text("usage")))
    }
    let rows = try session.rows(statements[0], query.values).map { found in
      let key = try found.text("key")
      return try row(found, key: key, units: units[key] ?? [:])
    }
    guard let total = try session.row(statements[1], query.values) else {
      throw LedgerError(.unexpected, "a sum without groups gave no row")
    }
    var allUnits: [Usage.Unit: ExactDecimal] = [:]
    for row in rows { allUnits.add(row.units) }
    return LedgerReport(grouping: query.grouping, rows: rows, total: try row(total, key: "", units: allUnits))
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
