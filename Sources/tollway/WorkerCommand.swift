import ArgumentParser
import Admission
import Catalog
import Contracts
import Foundation
import Lanes
import Logging
import Observability
import Providers
import Redis
import UnixSignals
import Work

/// `tollway worker`: consume, admit, execute.
struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Take jobs from the lanes and run them.",
    discussion: "SIGTERM drains: nothing new is taken, what runs may end. A second one ends at once.")

  @OptionGroup var settings: Settings
  @Option(help: "Jobs that run at once in this process.") var slots = 16
  @Option(help: "Lanes to serve, separated by commas.") var lanes = Lane.allCases.map(\.rawValue).joined(separator: ",")
  @Option(help: "How long a drain waits for running jobs, like 30s.") var grace = "30s"

  func validate() throws {
    guard (1...10_000).contains(slots) else { throw ValidationError("--slots: must be 1 to 10000") }
    guard Duration(reading: grace) != nil else { throw ValidationError("--grace: write a duration like 30s") }
    let names = lanes.split(separator: ",").map(String.init)
    guard !names.isEmpty, names.allSatisfy({ Lane(rawValue: $0) != nil }) else {
      throw ValidationError("--lanes: a list of \(Lane.allCases.map(\.rawValue).joined(separator: ", "))")
    }
  }

  func run() async throws {
    LogBootstrap.install(try settings.logging())
    guard let failpoints = Failpoints(parsing: settings.failpoint) else {
      throw CommandFailure(.usage, "TOLLWAY_FAILPOINT: no such place", "write <place>:<n>, or unset it")
    }
    _ = try settings.probes()  // a wrong address is said now, not in the log
    let wires = try Wires(settings, role: "worker")
    let rules = try RuleBook(policyPath: try settings.policyPath(), pricesPath: try settings.pricesPath())
    let registry = MetricRegistry(
      tiers: rules.planner.policy.tiers.keys, providers: rules.planner.policy.providers.keys)
    let applied = try await wires.declareUntilReachable()
    if !applied.created.isEmpty {
      wires.logger.info("declared what was missing", metadata: [LogKey.count: "\(applied.created.count)"])
    }
    var configuration = WorkerConfiguration(workerID: Self.workerID())
    configuration.slots = slots
    configuration.lanes = lanes.split(separator: ",").compactMap { Lane(rawValue: String($0)) }
    configuration.grace = Duration(reading: grace) ?? configuration.grace
    let providers = ProviderShelf(
      policy: rules.planner.policy, artifacts: ArtifactStore(directory: settings.artifactDirectory),
      logger: wires.logger)
    let bays = wires.broker.bayKeeper()
    let worker = Worker(
      configuration: configuration, planner: { rules.planner }, desk: wires.desk,
      intake: wires.broker.intake(lanes: configuration.lanes, prefetch: configuration.prefetch),
      post: wires.broker.postOffice(), bays: bays, providers: providers, registry: registry, failpoints: failpoints,
      now: Wires.now, logger: wires.logger)
    wires.logger.info(
      "worker starts", metadata: [LogKey.worker: "\(configuration.workerID)", "slots": "\(slots)", "lanes": "\(lanes)"])
    await serve(worker, rules, providers, registry, wires)
    await providers.shutdown()
    await bays.close()
    await wires.redis.close()
    wires.logger.info("worker ended")
  }

  private func serve(
    _ worker: Worker, _ rules: RuleBook, _ providers: ProviderShelf, _ registry: MetricRegistry, _ wires: Wires
  ) async {
    await withDiscardingTaskGroup { group in
      group.addTask { await Signals.drain { await worker.drain() } }
      group.addTask {
        await rules.watch(
          logger: wires.logger,
          onPolicy: { policy in
            await providers.adopt(worker.serving(policy))
            registry.declare(tiers: policy.tiers.keys, providers: policy.providers.keys)
          }, onForce: { await Self.hasten(wires) })
      }
      group.addTask {
        await Probes.serve(self.settings, registry, wires.logger) { await worker.readiness() }
      }
      await worker.run()
      group.cancelAll()
    }
  }

  /// Limits of a tier may have changed: jobs that wait for them are judged anew at once.
  private static func hasten(_ wires: Wires) async {
    do {
      try await wires.desk.hasten()
    } catch {
      wires.logger.warning("waiting jobs are judged anew only by and by", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Short and unlike any other process's: it stands in every lease.
  private static func workerID() -> String {
    String(UInt64.random(in: 0..<2_176_782_336), radix: 36)
      + String(ProcessInfo.processInfo.processIdentifier, radix: 36)
  }
}
