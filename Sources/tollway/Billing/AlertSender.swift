import Billing
import Contracts
import Lanes
import Logging

/// Takes the ledger's alerts to the exchange `alerts`. What was confirmed is marked, so that it goes out once; after a
/// crash between the two it goes out again under the same message id.
struct AlertSender {
  let ledger: any LedgerStore
  let office: PostOffice
  let logger: Logger

  private static let interval: Duration = .seconds(1)
  private static let batchSize = 100

  /// Looks every second, at the start for what an earlier process left, until cancelled.
  func run() async {
    var lastFailure: LedgerError.Code?
    while !Task.isCancelled {
      do throws(LedgerError) {
        try await send()
        lastFailure = nil
      } catch {
        if error.code != lastFailure, !Task.isCancelled {
          logger.error("alerts cannot be read or marked", metadata: [LogKey.error: "\(error)"])
        }
        lastFailure = error.code
      }
      do { try await Task.sleep(for: Self.interval) } catch { return }
    }
  }

  private func send() async throws(LedgerError) {
    while true {
      let alerts = try await ledger.unsentAlerts(limit: Self.batchSize)
      guard !alerts.isEmpty else { return }
      let dispatches = alerts.map { office.alert(AlertMessage(id: $0.id, routingKey: $0.routingKey, body: $0.body)) }
      guard await office.deliver(dispatches) else { return }
      try await ledger.markSent(alerts)
      for alert in alerts { logger.warning("an alert was sent", metadata: ["alert": "\(alert.id)"]) }
    }
  }
}
