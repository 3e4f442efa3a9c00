import Lanes
import Synchronization

/// Messages that were taken and runs that ended, since this process began: how much broker work a job costs. And what of
/// it is worth knowing for the last minute only.
final class Flow: Sendable {
  let pulse = Pulse()
  private let counts = Mutex((deliveries: Int64(0), finished: Int64(0)))

  var current: (deliveries: Int64, finished: Int64) { counts.withLock { $0 } }

  /// From the lanes' queues.
  func took(_ deliveries: [Delivery]) {
    took(deliveries.count)
    pulse.took(deliveries)
  }

  func took(_ deliveries: Int) { counts.withLock { $0.deliveries += Int64(deliveries) } }

  func finished(_ runs: Int) { counts.withLock { $0.finished += Int64(runs) } }
}
