import Contracts
import Foundation
import GRDB

extension SQLiteLedger {
  package func unsentAlerts(limit: Int) async throws(LedgerError) -> [StoredAlert] {
    try await ledgerErrors {
      try await pool.read { database in
        try Row.fetchAll(
          database, sql: "SELECT * FROM alert WHERE sent_at IS NULL ORDER BY number LIMIT ?", arguments: [limit]
        ).map { row in
          let scope: String = row["scope"]
          let period: String = row["period"]
          let kind: String = row["kind"]
          let severity: String = row["severity"]
          let threshold: Int = row["threshold"]
          let body: Data = row["body"]
          return StoredAlert(
            number: row["number"], id: "\(scope)/\(period)/\(kind)/\(threshold)", routingKey: "\(severity).\(kind)",
            body: Array(body))
        }
      }
    }
  }

  package func markSent(_ alerts: [StoredAlert]) async throws(LedgerError) {
    let sentAt = now().description
    try await ledgerErrors {
      try await pool.write { database in
        let statement = try database.cachedStatement(sql: "UPDATE alert SET sent_at = ? WHERE number = ?")
        for alert in alerts { try statement.execute(arguments: [sentAt, alert.number]) }
      }
    }
  }
}
