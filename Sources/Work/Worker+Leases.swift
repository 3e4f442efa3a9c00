import Admission
import Contracts
import Lanes
import Logging
import Observability

// What happens by the clock: renewing leases, resuming after a hold, giving idle deliveries back, telling the fleet.

extension Worker {
  /// Keeps the leases of all runs that are not written down yet.
  func renewLeases() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: desk.configuration.renewInterval) } catch { return }
      let leases = held.values.map(\.lease)
      guard !leases.isEmpty else { continue }
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
  }

  /// Once a second.
  func tick() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: .seconds(1)) } catch { return }
      await intake.relieve()
      await putBackIdle()
      await report()
      await passWaves()
    }
  }

  private func report() async {
    var report = WorkerReport(worker: configuration.workerID, slots: configuration.slots)
    for run in held.values where run.isExecuting { report.running[run.lane, default: 0] += 1 }
    for (lane, line) in lines { report.buffered[lane] = line.count }
    let reconnects = intake.reconnects - countedReconnects
    countedReconnects += reconnects
    registry.update { [report] store in
      store.add(Double(reconnects), to: Metrics.reconnects, "amqp")
      store.set(Metrics.slots, to: Double(report.slots))
      for lane in Lane.allCases { store.set(Metrics.running, lane.rawValue, to: Double(report.running[lane] ?? 0)) }
    }
    do {
      try await desk.report(report)
    } catch {
      logger.debug("report of this worker was not stored", metadata: [LogKey.error: "\(error)"])
    }
  }
}
