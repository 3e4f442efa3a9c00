package import Contracts
package import Logging

/// Moves cost events from their queue into the ledger: take a batch, commit it, ack it, in this order and nothing in
/// between. While the ledger fails the batch is kept and tried again, so the queue holds what cannot be booked; nothing
/// is acked that is not on disk. One task; holds no more than the source hands out at once.
package struct BillingWatcher<Arrivals: CostArrivals>: Sendable {
  /// The most events of one transaction. The source should let at least as many arrive unacked.
  package static var batchLimit: Int { 500 }

  private let ledger: any LedgerStore
  private let arrivals: Arrivals
  private let logger: Logger
  private let clock: any Clock<Duration>
  private let now: @Sendable () -> Timestamp
  private let onBatch: @Sendable (BookedBatch) -> Void

  private static var shortestPause: Duration { .milliseconds(100) }
  private static var longestPause: Duration { .seconds(10) }

  /// - Parameters:
  ///   - clock: for the pauses between attempts and the length of an outage.
  ///   - now: the wall clock, for the lag.
  ///   - onBatch: called after each commit, before the ack; for metrics.
  package init(
    ledger: any LedgerStore, arrivals: Arrivals, logger: Logger, clock: any Clock<Duration> = .continuous,
    now: @escaping @Sendable () -> Timestamp, onBatch: @escaping @Sendable (BookedBatch) -> Void = { _ in }
  ) {
    self.ledger = ledger
    self.arrivals = arrivals
    self.logger = logger
    self.clock = clock
    self.now = now
    self.onBatch = onBatch
  }

  /// Returns when the source has ended or the task is cancelled; what was in hand then is not acked.
  package func run() async {
    while !Task.isCancelled {
      let arrived = await arrivals.next()
      if arrived.isEmpty { return }
      for start in stride(from: 0, to: arrived.count, by: Self.batchLimit) {
        let batch = Array(arrived[start..<min(start + Self.batchLimit, arrived.count)])
        guard let outcomes = await record(batch) else { return }
        let booked = BookedBatch(outcomes, redelivered: batch.count { $0.redelivered }, now: now())
        report(booked)
        onBatch(booked)
        await arrivals.settle(batch)
      }
    }
  }

  /// Tries until it is done; an outage is logged once for each kind of failure, its end with its duration. Nil when the
  /// task was cancelled.
  private func record(_ batch: [CostArrival<Arrivals.Token>]) async -> [RecordOutcome]? {
    let events = batch.map { ArrivedEvent(body: $0.body) }
    let elapsed = stopwatch(clock)
    var pause = Self.shortestPause
    var lastFailure: LedgerError.Code?
    while true {
      do {
        let outcomes = try await ledger.record(events)
        if lastFailure != nil {
          logger.info("the ledger is written again", metadata: ["\(LogKey.duration)": "\(elapsed())"])
        }
        return outcomes
      } catch {
        guard !Task.isCancelled else { return nil }
        if error.code != lastFailure { report(error, waiting: batch.count) }
        lastFailure = error.code
      }
      do {
        try await clock.sleep(for: pause)
      } catch {
        return nil
      }
      pause = min(pause * 2, Self.longestPause)
    }
  }

  private func report(_ error: LedgerError, waiting: Int) {
    let message: Logger.Message =
      switch error.disposition {
      case .retry: "the ledger cannot be written, cost events wait in their queue"
      case .permanent: "the ledger cannot be written until somebody repairs it, cost events wait in their queue"
      }
    logger.error(message, metadata: ["\(LogKey.error)": "\(error)", "\(LogKey.count)": "\(waiting)"])
  }

  /// One line for all that was refused in a batch: a flood of bad events must not become a flood of lines.
  private func report(_ booked: BookedBatch) {
    guard let refused = booked.firstRefusal else { return }
    logger.error(
      "cost events were quarantined",
      metadata: ["\(LogKey.count)": "\(booked.conflicts + booked.quarantined)", "\(LogKey.reason)": "\(refused)"])
  }
}

/// Measures from the call on. Takes the clock as a generic so that an existential one is opened.
private func stopwatch(_ clock: some Clock<Duration>) -> () -> Duration {
  let start = clock.now
  return { start.duration(to: clock.now) }
}
