import Billing
import Catalog
import Contracts
import Lanes
import Logging
import Observability

/// All that tells administrators something, as billing runs it: what watches the fleet, what sends, and the roles that
/// make both happen once whatever the number of processes.
struct Telling {
  private let watch: FleetWatch
  private let pulse: BrokerPulse
  private let sender: AlertSender
  private let roles: [Role]
  private let logger: Logger

  /// - Parameter process: names this one among those that could do it.
  init(
    wires: Wires, ledger: Ledger, lag: LedgerLag, office: PostOffice, process: String, registry: MetricRegistry,
    policy: @escaping @Sendable () -> Policy
  ) {
    let unwritten = UnwrittenAlerts()
    let watching = Role("watch", holder: process, ledger: ledger, logger: wires.logger)
    let sending = Role("alerts", holder: process, ledger: ledger, logger: wires.logger)
    roles = [watching, sending]
    logger = wires.logger
    pulse = BrokerPulse(of: office, logger: wires.logger)
    watch = FleetWatch(
      wires: wires, ledger: ledger, role: watching, lag: lag, pulse: pulse, policy: policy, registry: registry,
      unwritten: unwritten)
    sender = AlertSender(
      ledger: ledger, role: sending, office: office, webhook: Webhook(), unwritten: unwritten, policy: policy,
      logger: wires.logger)
  }

  /// Until cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      for role in roles { group.addTask { await role.keep() } }
      group.addTask { await pulse.run() }
      group.addTask { await watch.run() }
      group.addTask { await sender.run() }
    }
  }

  /// Call once, when `run` has returned: another process goes on at once.
  func end() async {
    for role in roles {
      do throws(LedgerError) {
        try await role.giveUp()
      } catch {
        logger.info("a role runs out by itself", metadata: [LogKey.error: "\(error)"])
      }
    }
    do {
      try await sender.webhook.shutdown()
    } catch {
      logger.warning("the webhook's connections were not closed", metadata: [LogKey.error: "\(type(of: error))"])
    }
  }
}
