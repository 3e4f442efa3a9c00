import AMQP
import Contracts
package import Logging
import Synchronization

/// Whether the broker takes messages of this process: once a second one is published that no queue gets, and has to be
/// confirmed. A broker that is out of memory or disk says so only to a connection that publishes. Safe to share.
package final class BrokerPulse: Sendable {
  private static let interval: Duration = .seconds(1)

  private let office: PostOffice
  private let logger: Logger
  private let answered = Mutex(ContinuousClock.now)

  package init(of office: PostOffice, logger: Logger) {
    self.office = office
    self.logger = logger
  }

  /// Since the last confirm; about a second while all is well.
  package var silence: Duration { answered.withLock { .now - $0 } }

  /// Until cancelled. A user of the broker who may not write to the default exchange is told that once; from then on the
  /// connection says how the broker is, and what it says of an alarm is heard with the next alert only.
  package func run() async {
    var isRefused = false
    while !Task.isCancelled {
      if isRefused {
        if office.isTaking { beat() }
      } else {
        switch await office.probe() {
        case .confirmed, .returned, .nacked: beat()
        case .lost(let error) where error.code == .accessRefused:
          isRefused = true
          logger.warning(
            "whether the broker takes messages cannot be tried: its user needs write on the default exchange",
            metadata: [LogKey.error: "\(error)"])
        case .lost: break
        }
      }
      do { try await Task.sleep(for: Self.interval) } catch { return }
    }
  }

  private func beat() { answered.withLock { $0 = .now } }
}
