package import Billing

extension Acts {
  /// What is the matter now, the longest first.
  package func openConditions() async throws(LedgerError) -> [AlertRow] {
    try await ledger.openAlerts().map { alert throws(LedgerError) in try AlertRow(alert) }
  }

  /// Newest first, those that are over included.
  package func alerts(limit: Int) async throws(LedgerError) -> [AlertRow] {
    try await ledger.newestAlerts(limit: limit).map { alert throws(LedgerError) in try AlertRow(alert) }
  }

  /// The newest changes by hand of every kind, newest first.
  package func changes(limit: Int) async throws(LedgerError) -> [ChangeRow] {
    try await ledger.auditTrail(limit: limit).map { ChangeRow($0) }
  }
}
