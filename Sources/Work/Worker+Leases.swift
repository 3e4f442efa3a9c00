import Admission
package import Catalog
import Contracts
import Lanes
import Logging
import Observability

// What happens by the clock: renewing leases, resuming after a hold, giving idle deliveries back, telling the fleet.

extension Worker {
  /// A policy with all models that have to be served under it.
  package nonisolated func serving(_ policy: Policy) -> Policy { pipeline.freezes.serving(policy) }

  /// Keeps the leases of all runs that are not written down yet.
  func renewLeases() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: desk.configuration.renewInterval) } catch { return }
      await renewHeld()
    }
  }

  func renewHeld() async {
    let leases = held.values.map(\.lease)
    guard !leases.isEmpty else { return }
    do {
      let replies = try await desk.renew(leases)
      for (lease, reply) in zip(leases, replies) where reply != .renewed && held[lease.leaseID] != nil {
        logger.warning(
          reply == .lost ? "lease is somebody else's now" : "lease was written again after a loss of Redis",
          metadata: [LogKey.job: "\(lease.job.id)", LogKey.run: "\(lease.run)"])
      }
    } catch {
      logger.warning(
        "leases could not be renewed", metadata: [LogKey.count: "\(leases.count)", LogKey.error: "\(error)"])
    }
  }

  /// Once a second.
  func tick() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: .seconds(1)) } catch { return }
      await intake.relieve()
      await putBackIdle()
      await relieveDeck()
      if pipeline.freezes.takeChange() { await providers.adopt(serving(filePolicy())) }
      await report()
      await passWaves()
    }
  }

  private func report() async {
    var report = WorkerReport(worker: configuration.workerID, slots: configuration.slots)
    for run in held.values where run.isExecuting { report.running[run.lane, default: 0] += 1 }
    for (lane, line) in lines {
      report.buffered[lane] = line.count
      report.oldest[lane] = line.map(\.arrivedAt).min().map { .now - $0 }
    }
    (report.deliveries, report.finished) = flow.current
    flow.pulse.fill(&report)
    let reconnects = intake.reconnects - countedReconnects
    countedReconnects += reconnects
    let calls = providers.takeCalls()
    registry.update { [report] store in
      for (provider, count) in calls { store.add(Double(count), to: Metrics.providerCalls, provider) }
      store.add(Double(reconnects), to: Metrics.reconnects, "amqp")
      store.set(Metrics.slots, to: Double(report.slots))
      for lane in Lane.allCases { store.set(Metrics.running, lane.rawValue, to: Double(report.running[lane] ?? 0)) }
    }
    do {
      await stop(try await desk.report(report))
    } catch {
      logger.debug("report of this worker was not stored", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Says that it is there no more, when it says nothing else any more: nobody counts on its slots from here on. A worker
  /// that is killed is counted until its last report is too old.
  func withdraw() async {
    do {
      try await desk.withdraw(configuration.workerID)
    } catch {
      logger.debug("report of this worker was not taken away", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Ends runs before their time. What has ended meanwhile, or stands in line again, ends without this.
  private func stop(_ requests: [StopRequest]) async {
    for request in requests {
      guard let run = held[request.leaseID] else { continue }
      run.stop.give(request.note)
      logger.info("run is to end", metadata: [LogKey.job: "\(run.lease.job.id)", LogKey.run: "\(run.lease.run)"])
    }
    do {
      try await desk.forget(requests, of: configuration.workerID)
    } catch {
      logger.debug("runs that were ended are named again", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Figures of the whole fleet, once a second; apart from the tick, because the broker is asked as well.
  func gauge() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: .seconds(1)) } catch { return }
      do {
        registry.set(
          try await desk.fleetFigures(), ready: await readyMessages(),
          providers: pipeline.planner().policy.providers.keys)
      } catch {
        logger.debug("the fleet could not be counted", metadata: [LogKey.error: "\(error)"])
      }
    }
  }

  /// In the lanes' queues; empty while the broker does not say.
  private func readyMessages() async -> [Lane: Int] {
    do {
      return try await bays.ready()
    } catch {
      logger.debug("lanes could not be counted", metadata: [LogKey.error: "\(error)"])
      return [:]
    }
  }
}
