import AMQP
import Admission
import Billing
import Catalog
import Contracts
import Foundation
import Lanes
import Logging
import Observability
import Operations
import Redis

/// The connections a command needs, made from its settings. Nothing connects before it is used.
struct Wires {
  let topology: Topology
  let broker: LaneBroker
  let redis: RedisClient
  let desk: AdmissionDesk
  let logger: Logger

  init(_ settings: Settings, role: String) throws(CommandFailure) {
    let topology = try settings.topology()
    let logger = Logger(label: role)
    self.topology = topology
    self.logger = logger
    broker = LaneBroker(try settings.broker(name: "tollway \(role)"), topology: topology, logger: logger)
    redis = RedisClient(try settings.redis(), logger: logger)
    var admission = AdmissionConfiguration()
    admission.stateTTL = try settings.stateLifetime()
    admission.parentPatience = try settings.parentPatience()
    desk = AdmissionDesk(
      redis: redis, keys: AdmissionKeys(namespace: topology.namespace), configuration: admission)
  }

  /// For a command that is no role.
  /// - Parameter level: for one that goes on after an outage, and tells of it by its log.
  static func forCommand(
    _ name: String, _ settings: Settings, logging level: String = Settings.quiet
  ) throws(CommandFailure) -> Wires {
    LogBootstrap.install(try settings.logging(default: level))
    return try Wires(settings, role: name)
  }

  /// Declares what is missing. On a fleet that never ran here nothing has to be waited for; so nothing is created before
  /// Redis answers, or that would be forgotten.
  func declareTopology() async throws(CommandFailure) -> TopologyKeeper.Applied {
    do throws(RedisError) {
      _ = try await redis.connect()
    } catch {
      throw .redis(error)
    }
    let admin = broker.admin()
    let applied: TopologyKeeper.Applied
    do throws(AMQPError) {
      applied = try await TopologyKeeper(topology: topology, admin: admin).apply()
    } catch {
      await admin.close()
      throw .broker(error)
    }
    await admin.close()
    guard applied.isNewFleet else { return applied }
    do throws(AdmissionError) {
      try await desk.openEpoch()
    } catch {
      throw .redis(error)
    }
    return applied
  }

  /// A role that starts before its servers waits for them, as it would if they went away later.
  func declareUntilReachable() async throws -> TopologyKeeper.Applied {
    var isLogged = false
    while true {
      do throws(CommandFailure) {
        return try await declareTopology()
      } catch {
        guard error.exit == .unreachable else { throw error }
        if !isLogged { logger.error("waiting to start", metadata: [LogKey.error: "\(error.happened)"]) }
        isLogged = true
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// What an administrator does and looks up.
  func acts(on ledger: Ledger, _ policy: Policy) -> Acts {
    Acts(ledger: ledger, desk: desk, policy: policy, now: Wires.now)
  }

  /// The policy file is read by those acts only that look at it.
  func acts(on ledger: Ledger, _ settings: Settings) -> Acts {
    Acts(ledger: ledger, desk: desk, reading: { try RuleBook.policy(at: try settings.policyPath()) }, now: Wires.now)
  }

  /// Ends what was opened to Redis; the broker's ends are closed by whoever uses them.
  func close() async { await redis.close() }

  static func now() -> Timestamp {
    Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
  }
}
