import GRDB

extension SQLiteLedger {
  package func months(
    of periods: [String], after last: UserMonth?, limit: Int
  ) async throws(LedgerError) -> [UserMonth] {
    try await ledgerErrors {
      try await pool.read { database in
        let places = periods.map { _ in "?" }.joined(separator: ", ")
        return try Row.fetchAll(
          database,
          sql: """
            SELECT * FROM user_month WHERE charge_period IN (\(places)) AND (charge_period, user_id) > (?, ?)
            ORDER BY charge_period, user_id LIMIT ?
            """,
          arguments: StatementArguments(periods) + [last?.chargePeriod ?? "", last?.userID ?? "", limit]
        ).map { try UserMonth($0) }
      }
    }
  }

  package func booked(_ eventIDs: [String]) async throws(LedgerError) -> [BookedMonth] {
    try await ledgerErrors {
      try await pool.read { database in
        let statement = try database.cachedStatement(
          sql: "SELECT user_id, charge_period FROM usage_cost WHERE event_id = ?")
        var found: [[String]: [String]] = [:]
        for id in eventIDs {
          guard let row = try Row.fetchOne(statement, arguments: [id]) else { continue }
          found[[row["user_id"], row["charge_period"]], default: []].append(id)
        }
        return try found.compactMap { key, ids in
          let month = try UserMonth.fetch(user: key[0], period: key[1], from: database)
          return month.map { BookedMonth(month: $0, eventIDs: ids) }
        }
      }
    }
  }
}
