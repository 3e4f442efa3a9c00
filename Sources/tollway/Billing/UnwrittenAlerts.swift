import Billing
import Synchronization

/// Alerts that go out although the ledger cannot be written, from who finds them to who sends them. A handful at most: one
/// for each outage of the ledger. Safe to share.
final class UnwrittenAlerts: Sendable {
  private let alerts = Mutex<[StoredAlert]>([])

  func put(_ alert: StoredAlert) { alerts.withLock { $0.append(alert) } }

  func take() -> [StoredAlert] {
    alerts.withLock { alerts in
      defer { alerts = [] }
      return alerts
    }
  }
}
