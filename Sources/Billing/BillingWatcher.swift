package import Catalog
package import Contracts
package import Logging

/// Moves cost events from their queue into the ledger: take a batch, commit it, tell admission's books, ack it, in this
/// order. While the ledger or the books fail the batch is kept and tried again, so the queue holds what cannot be
/// booked; nothing is acked that is not on disk and in the books. One task; holds no more than the source hands out at
/// once.
package struct BillingWatcher<Arrivals: CostArrivals>: Sendable {
  /// The most events of one transaction. The source should let at least as many arrive unacked.
  package static var batchLimit: Int { 1000 }

  private let ledger: any LedgerStore
  private let books: any MonthBooks
  private let arrivals: Arrivals
  private let policy: @Sendable () -> Policy
  private let logger: Logger
  private let clock: any Clock<Duration>
  private let now: @Sendable () -> Timestamp
  private let onBatch: @Sendable (BookedBatch) -> Void

  private static var shortestPause: Duration { .milliseconds(100) }
  private static var longestPause: Duration { .seconds(10) }

  /// - Parameters:
  ///   - policy: in force now.
  ///   - clock: for the pauses between attempts and the length of an outage.
  ///   - now: the wall clock, for the lag.
  ///   - onBatch: called after each commit, before the ack; for metrics.
  package init(
    ledger: any LedgerStore, books: any MonthBooks, arrivals: Arrivals, policy: @escaping @Sendable () -> Policy,
    logger: Logger, clock: any Clock<Duration> = .continuous, now: @escaping @Sendable () -> Timestamp,
    onBatch: @escaping @Sendable (BookedBatch) -> Void = { _ in }
  ) {
    self.ledger = ledger
    self.books = books
    self.arrivals = arrivals
    self.policy = policy
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
      for part in parts(of: arrived) {
        switch part {
        case .events(let batch): guard await book(batch) else { return }
        case .marker(let marker, let arrival): guard await follow(marker, arrival) else { return }
        }
      }
    }
  }

  private enum Part {
    case events([CostArrival<Arrivals.Token>])
    case marker(LedgerMarker, CostArrival<Arrivals.Token>)
  }

  /// A marker stands between batches, because all before it must be in the ledger.
  private func parts(of arrived: [CostArrival<Arrivals.Token>]) -> [Part] {
    var parts: [Part] = []
    var batch: [CostArrival<Arrivals.Token>] = []
    func close() {
      if !batch.isEmpty { parts.append(.events(batch)) }
      batch = []
    }
    for arrival in arrived {
      if let marker = LedgerMarker(decoding: arrival.body) {
        close()
        parts.append(.marker(marker, arrival))
      } else {
        batch.append(arrival)
        if batch.count == Self.batchLimit { close() }
      }
    }
    close()
    return parts
  }

  /// False when the task was cancelled before all was done.
  private func book(_ batch: [CostArrival<Arrivals.Token>]) async -> Bool {
    let events = batch.map { ArrivedEvent(body: $0.body) }
    let recorded = await insist(
      "the ledger is written again", { report($0, waiting: batch.count) },
      on: { try await ledger.record(events, under: policy()) })
    guard let recorded else { return false }
    let told: Void? = await insist(
      "admission's books are written again", { report(books: $0, waiting: batch.count) },
      on: { try await books.book(recorded.months) })
    guard told != nil else { return false }
    let booked = BookedBatch(recorded.outcomes, redelivered: batch.count { $0.redelivered }, now: now())
    report(booked)
    onBatch(booked)
    await arrivals.settle(batch)
    return true
  }

  private func follow(_ marker: LedgerMarker, _ arrival: CostArrival<Arrivals.Token>) async -> Bool {
    let followed: Void? = await insist(
      "admission's books are written again", { report(books: $0, waiting: 1) }, on: { try await books.catchUp(marker) })
    guard followed != nil else { return false }
    await arrivals.settle([arrival])
    return true
  }

  /// Tries until it is done; an outage is told once for each kind of failure, its end with its duration. Nil when the
  /// task was cancelled.
  private func insist<Value: Sendable>(
    _ relief: Logger.Message, _ tell: (any Error) -> Void, on work: () async throws -> Value
  ) async -> Value? {
    let elapsed = stopwatch(clock)
    var pause = Self.shortestPause
    var lastFailure: String?
    while true {
      do {
        let value = try await work()
        if lastFailure != nil { logger.info(relief, metadata: ["\(LogKey.duration)": "\(elapsed())"]) }
        return value
      } catch {
        guard !Task.isCancelled else { return nil }
        let kind = (error as? LedgerError)?.code.rawValue ?? ""
        if kind != lastFailure { tell(error) }
        lastFailure = kind
      }
      do {
        try await clock.sleep(for: pause)
      } catch {
        return nil
      }
      pause = min(pause * 2, Self.longestPause)
    }
  }

  private func report(_ error: any Error, waiting: Int) {
    let message: Logger.Message =
      switch LedgerError(error).disposition {
      case .retry: "the ledger cannot be written, cost events wait in their queue"
      case .permanent: "the ledger cannot be written until somebody repairs it, cost events wait in their queue"
      }
    logger.error(message, metadata: ["\(LogKey.error)": "\(error)", "\(LogKey.count)": "\(waiting)"])
  }

  private func report(books error: any Error, waiting: Int) {
    logger.error(
      "admission's books cannot be written, cost events wait in their queue",
      metadata: ["\(LogKey.error)": "\(error)", "\(LogKey.count)": "\(waiting)"])
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
