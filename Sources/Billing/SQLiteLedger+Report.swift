import Contracts
import GRDB

extension SQLiteLedger {
  package func report(_ query: LedgerQuery) async throws(LedgerError) -> LedgerReport {
    try await ledgerErrors {
      try await pool.read { database in try Self.report(query, in: database) }
    }
  }

  /// Counts and amounts are summed by the database in whole numbers; quantities are decimals, hence summed here, row
  /// by row from a cursor.
  private static func report(_ query: LedgerQuery, in database: Database) throws -> LedgerReport {
    let key = query.grouping.expression
    var units = try units(of: query, in: database)
    let sums = """
      count(DISTINCT job_id || '/' || run) AS jobs, count(*) FILTER (WHERE corrects IS NULL) AS attempts,
      coalesce(sum(amount_nano_usd), 0) AS amount FROM usage_cost \(query.condition)
      """
    func row(_ row: Row, key: String, units: [Usage.Unit: ExactDecimal]) -> LedgerReport.Row {
      LedgerReport.Row(
        key: key, jobs: row["jobs"], attempts: row["attempts"], amount: Money(nanoUSD: row["amount"]), units: units)
    }
    let rows = try Row.fetchAll(
      database, sql: "SELECT \(key) AS key, \(sums) GROUP BY 1 ORDER BY 1", arguments: query.arguments
    ).map { found in
      let key: String = found["key"]
      return row(found, key: key, units: units.removeValue(forKey: key) ?? [:])
    }
    guard let total = try Row.fetchOne(database, sql: "SELECT \(sums)", arguments: query.arguments) else {
      fatalError("Bug: a sum without groups gave no row")
    }
    var allUnits: [Usage.Unit: ExactDecimal] = [:]
    for row in rows { allUnits.add(row.units) }
    return LedgerReport(grouping: query.grouping, rows: rows, total: row(total, key: "", units: allUnits))
  }

  private static func units(
    of query: LedgerQuery, in database: Database
  ) throws -> [String: [Usage.Unit: ExactDecimal]] {
    var units: [String: [Usage.Unit: ExactDecimal]] = [:]
    let usages = try Row.fetchCursor(
      database,
      sql: "SELECT \(query.grouping.expression) AS key, usage FROM usage_cost \(query.condition) AND usage <> '[]'",
      arguments: query.arguments)
    while let row = try usages.next() {
      let text: String = row["usage"]
      for entry in try JSONParser.parse(Array(text.utf8)).root.elements {
        guard let unit = entry["unit"]?.string.flatMap({ Usage.Unit(rawValue: $0) }),
          let quantity = entry["quantity"]?.string.flatMap({ ExactDecimal($0) })
        else { throw LedgerError(.corrupt, "usage_cost.usage holds an unknown unit or quantity") }
        units[row["key"], default: [:]].add([Usage(unit, quantity, .measured)])
      }
    }
    return units
  }
}

extension LedgerQuery {
  fileprivate var condition: String {
    "WHERE TRUE" + (from == nil ? "" : " AND occurred_at >= :from") + (to == nil ? "" : " AND occurred_at < :to")
  }

  fileprivate var arguments: StatementArguments {
    var arguments: [String: (any DatabaseValueConvertible)?] = [:]
    if let from { arguments["from"] = from.description }
    if let to { arguments["to"] = to.description }
    return StatementArguments(arguments)
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
