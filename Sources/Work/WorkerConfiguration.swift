package import Contracts

/// How much a worker takes on at once, and how it ends.
package struct WorkerConfiguration: Sendable {
  /// Jobs that run at once in this process. Default 16.
  package var slots = 16
  /// Lanes it serves. Default all.
  package var lanes: [Lane] = Lane.allCases
  package var shares = LaneScheduler.Shares()
  /// How long a drain waits for running jobs. Default 30 s.
  package var grace: Duration = .seconds(30)
  /// A delivery that has waited this long while the worker is full goes back for others. Default 10 s.
  package var longestIdleWait: Duration = .seconds(10)
  /// Names this process in leases, logs and reports.
  package var workerID: String

  package init(workerID: String) { self.workerID = workerID }

  /// Unsettled deliveries per lane: what can run and a short line, which lets the next wave start without a round trip
  /// to the broker.
  package var prefetch: Int { slots + max(16, slots / 4) }

  /// Deliveries between verdict and ack, whose cost events are not all confirmed. Above it nothing is started.
  package var mostUnsettled: Int { prefetch * lanes.count }
}
