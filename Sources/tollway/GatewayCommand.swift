import Admission
import ArgumentParser
import Billing
import Catalog
import Gateway
import Logging
import Observability
import Operations
import Work

/// `tollway gateway`: jobs over HTTP.
struct GatewayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gateway", abstract: "Take jobs over HTTP and tell how they stand.",
    discussion: """
      Any number of them may stand behind a load balancer. As long as no API key was made (tollway keys create), it \
      serves whoever is on this machine, and listens nowhere else. SIGTERM drains: what came in is answered. A second \
      one ends at once.
      """)

  @OptionGroup var settings: Settings
  @Option(help: "Where it listens, HOST:PORT (TOLLWAY_GATEWAY).") var address: String?

  func run() async throws {
    LogBootstrap.install(try settings.logging())
    let address = try settings.gateway(address)
    _ = try settings.probes()  // a wrong address is said now, not in the log
    let wires = try Wires(settings, role: "gateway")
    let rules = try RuleBook(policyPath: try settings.policyPath(), pricesPath: try settings.pricesPath())
    let registry = MetricRegistry(
      tiers: rules.planner.policy.tiers.keys, providers: rules.planner.policy.providers.keys)
    _ = try await wires.declareUntilReachable()
    var configuration = GatewayConfiguration(address: address)
    configuration.artifacts = settings.artifactDirectory
    let server = GatewayServer(
      configuration: configuration, desk: wires.desk, broker: wires.broker,
      policy: { rules.planner.policy },
      ledger: LedgerAccess { [url = settings.ledger] () throws(LedgerError) in try Ledger(url: url, opening: .existing)
      },
      registry: registry, now: Wires.now, logger: wires.logger)
    wires.logger.info("gateway starts")
    do throws(CommandFailure) {
      try await serve(server, rules, registry, wires)
    } catch {
      await wires.close()
      throw error
    }
    await wires.close()
  }

  private func serve(
    _ server: GatewayServer, _ rules: RuleBook, _ registry: MetricRegistry, _ wires: Wires
  ) async throws(CommandFailure) {
    let outcome = await withDiscardingTaskGroup(returning: Result<Void, any Error>.self) { group in
      group.addTask { await Signals.drain { await server.drain() } }
      group.addTask {
        await rules.watch(
          logger: wires.logger,
          onPolicy: { registry.declare(tiers: $0.tiers.keys, providers: $0.providers.keys) })
      }
      group.addTask { await Probes.serve(self.settings, registry, wires.logger) { await Self.readiness(wires) } }
      let outcome: Result<Void, any Error>
      do {
        try await server.run()
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      group.cancelAll()
      return outcome
    }
    switch outcome {
    case .success: return
    case .failure(let fault as GatewayServer.Fault):
      throw CommandFailure(fault.isUsage ? .usage : .failed, fault.description, fault.remedy)
    case .failure(let error):
      throw CommandFailure(error) ?? CommandFailure(.failed, "the gateway ended: \(error)", "see the message")
    }
  }

  /// At the address of the probes; the gateway's own `/readyz` knows of the broker too.
  private static func readiness(_ wires: Wires) async -> ProbeServer.Readiness {
    do {
      _ = try await wires.desk.time()
      return .ready
    } catch {
      return .notReady("redis does not answer")
    }
  }
}
