package import Billing
import Contracts

/// A ledger report as JSON.
package struct LedgerSheet: Sendable, Encodable {
  package struct Row: Sendable, Encodable {
    package let key: String
    package let jobs, attempts: Int
    package let costUsd: String
    /// What was booked at first, and what corrections added; both together are the cost.
    package let originalUsd, correctionsUsd: String
    package let units: [String: String]

    package init(_ row: LedgerReport.Row) {
      key = row.key
      jobs = row.jobs
      attempts = row.attempts
      costUsd = row.amount.description
      originalUsd = (row.amount - row.corrections).description
      correctionsUsd = row.corrections.description
      units = Dictionary(uniqueKeysWithValues: row.units.map { ($0.key.rawValue, $0.value.description) })
    }
  }

  package let by: String
  package let rows: [Row]
  /// Of the whole range, also of what is left out of `rows`.
  package let total: Row

  package init(_ report: LedgerReport) {
    by = report.grouping.rawValue
    rows = report.rows.map(Row.init)
    total = Row(report.total)
  }
}
