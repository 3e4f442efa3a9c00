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

  /// Deliveries between verdict and ack, whose cost events are not all confirmed. From so many on nothing is started: a
  /// broker that takes no publications holds up what is bought. Heads from the bays do not count into the prefetch.
  package var mostUnsettled: Int { prefetch * lanes.count }

  /// How many jobs may be started beside those that hold a slot and those that are not settled; below zero while there
  /// are too many of either. At most `mostUnsettled + slots - 1` jobs are begun and not settled at any time.
  package func free(busy: Int, unsettled: Int) -> Int { min(slots - busy, mostUnsettled - unsettled) }
}
