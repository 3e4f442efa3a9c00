import ArgumentParser
import Billing
import Catalog
import Contracts
import Foundation
import Lanes
import Logging
import Observability
import Operations
import Redis
import Work

/// `tollway billing`: cost events into the ledger.
struct BillingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "billing", abstract: "Book the cost events of costs.ledger into the ledger.")

  @OptionGroup var settings: Settings

  /// For the last batch, after the first SIGTERM.
  private static let grace: Duration = .seconds(10)

  func run() async throws {
    LogBootstrap.install(try settings.logging())
    _ = try settings.probes()  // a wrong address is said now, not in the log
    let wires = try Wires(settings, role: "billing")
    let rules = try RuleBook(policyPath: try settings.policyPath(), pricesPath: try settings.pricesPath())
    let ledger = try Ledger(url: settings.ledger, failpoint: settings.failpoint)
    let registry = MetricRegistry(
      tiers: rules.planner.policy.tiers.keys, providers: rules.planner.policy.providers.keys)
    _ = try await wires.declareTopology()
    let stream = wires.broker.costStream(prefetch: BillingWatcher<LedgerArrivals>.batchLimit * 4)
    let office = wires.broker.postOffice()
    let process = UUID().uuidString
    let lag = LedgerLag(now: Wires.now)
    let replicas = Replicas(of: ledger, process: process, lag: { lag.figure }, logger: wires.logger)
    let books = RedisBooks(desk: wires.desk, ledger: ledger, replicas: replicas)
    let watcher = BillingWatcher(
      ledger: ledger, books: books, arrivals: LedgerArrivals(stream: stream, lag: lag, replicas: replicas),
      policy: { rules.planner.policy }, logger: wires.logger, now: Wires.now,
      onBatch: { batch in
        registry.update { $0.count(batch) }
        if let late = batch.lag { lag.booked(late) }
      })
    let entitlements = Entitlements(
      wires: wires, assignments: Assignments(in: ledger),
      interventions: Interventions(in: ledger, desk: wires.desk), keys: KeyCopy(in: ledger, desk: wires.desk))
    let sweeper = OpenSweeper(desk: wires.desk, ledger: ledger, books: books, logger: wires.logger)
    let parents = ParentAnswers(desk: wires.desk, ledger: ledger, logger: wires.logger)
    let telling = Telling(
      wires: wires, ledger: ledger, lag: lag, office: office, process: process, registry: registry,
      policy: { rules.planner.policy })
    let releaser = BlockedReleaser(wires: wires, rules: rules, process: process)
    wires.logger.info("billing starts")
    await withDiscardingTaskGroup { group in
      group.addTask { await rules.watch(logger: wires.logger) { _ in } }
      group.addTask { await entitlements.keep() }
      group.addTask { await sweeper.run() }
      group.addTask { await parents.run() }
      group.addTask { await office.run() }
      group.addTask { await lag.keep(registry, replicas) }
      group.addTask { await telling.run() }
      group.addTask { await releaser.run() }
      group.addTask { await Probes.serve(self.settings, registry, wires.logger) { .ready } }
      group.addTask { await replicas.attend { await stream.run() } }
      let watching = Task { await watcher.run() }
      group.addTask {
        await Signals.drain {
          await stream.end()
          // What cannot be booked by then stays in the queue.
          do { try await Task.sleep(for: Self.grace) } catch { return }
          watching.cancel()
        }
      }
      await watching.value
      group.cancelAll()
    }
    await telling.end()
    do throws(LedgerError) { try ledger.close() } catch { throw CommandFailure.ledger(error) }
    await wires.redis.close()
    wires.logger.info("billing ended")
  }
}

/// The cost stream as the watcher wants it.
private struct LedgerArrivals: CostArrivals {
  let stream: CostStream
  let lag: LedgerLag
  let replicas: Replicas

  typealias Token = CostStream.Token

  func next() async -> [CostArrival<CostStream.Token>] {
    replicas.waits()
    let arrived = await stream.next()
    if let first = arrived.first {
      replicas.took()
      lag.took(arrived.count, first: first.body)
    }
    return arrived.map { CostArrival(body: $0.body, token: $0.token, redelivered: $0.isRedelivered) }
  }

  func settle(_ arrivals: [CostArrival<CostStream.Token>]) async {
    lag.settled(arrivals.count)
    await stream.ack(arrivals.map(\.token))
  }
}

extension MetricStore {
  fileprivate mutating func count(_ batch: BookedBatch) {
    add(Double(batch.duplicates), to: Metrics.duplicates, "cost_event")
  }
}
