import Contracts

extension Ledger {
  package func months(
    of periods: [String], after last: UserMonth?, limit: Int
  ) async throws(LedgerError) -> [UserMonth] {
    let places = periods.map { _ in "?" }.joined(separator: ", ")
    return try await database.read { session in
      try session.rows(
        """
        SELECT * FROM user_month WHERE charge_period IN (\(places)) AND (charge_period, user_id) > (?, ?)
        ORDER BY charge_period, user_id LIMIT ?
        """,
        periods.map { .text($0) } + [
          .text(last?.chargePeriod ?? ""), .text(last?.userID ?? ""), SQLValue(limit),
        ]
      ).map { try UserMonth($0) }
    }
  }

  package func booked(_ eventIDs: [String]) async throws(LedgerError) -> [BookedMonth] {
    try await database.read { session in
      let rows = try session.each(
        "SELECT user_id, charge_period FROM usage_cost WHERE event_id = ?", eventIDs.map { [.text($0)] })
      var found: [[String]: [String]] = [:]
      for (id, rows) in zip(eventIDs, rows) {
        guard let row = rows.first else { continue }
        found[[try row.text("user_id"), try row.text("charge_period")], default: []].append(id)
      }
      return try found.compactMap { key, ids in
        let month = try UserMonth.fetch(user: key[0], period: key[1], from: session)
        return month.map { BookedMonth(month: $0, eventIDs: ids) }
      }
    }
  }
}
