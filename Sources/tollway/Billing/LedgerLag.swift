import Billing
import Contracts
import Observability
import Synchronization

/// How old the oldest cost event in hand is that is not booked, and how late the last ones were; nothing while the queue is
/// empty. Safe to share.
final class LedgerLag: Sendable {
  private struct State {
    /// What was taken from the queue and not settled.
    var open = 0
    /// The first of it: events come in the order of the queue, so that none of the others is much older.
    var oldest = Timestamp(milliseconds: 0)
    /// Since when none of it was settled.
    var idle = ContinuousClock.now
    /// The largest since the last look.
    var booked = Duration.zero
    var figure = Duration.zero
    var fleet = Duration.zero
  }

  private let now: @Sendable () -> Timestamp
  private let state = Mutex(State())

  init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

  /// - Parameter first: the body of the first event; one that cannot be read counts as new.
  func took(_ count: Int, first: [UInt8]) {
    let time = Self.time(of: first) ?? now()
    state.withLock { state in
      if state.open == 0 { (state.oldest, state.idle) = (time, .now) }
      state.open += count
    }
  }

  /// A correction says something of a time long gone; it counts as new.
  private static func time(of body: [UInt8]) -> Timestamp? {
    do {
      let event = try CostEvent(decoding: body)
      return event.corrects == nil ? event.time : nil
    } catch {
      return nil  // the ledger says what is wrong with it
    }
  }

  func settled(_ count: Int) {
    state.withLock { state in
      state.open = max(0, state.open - count)
      state.idle = .now
    }
  }

  /// Whether something is in hand and nothing gets any further: ledger or Redis cannot be written.
  var isStuck: Bool { state.withLock { $0.open > 0 && .now - $0.idle >= Self.longestPause } }

  private static let longestPause: Duration = .seconds(3)

  /// The lag of a batch that was committed.
  func booked(_ lag: Duration) { state.withLock { $0.booked = max($0.booked, lag) } }

  /// As of the last look.
  var figure: Duration { state.withLock { $0.figure } }

  /// Of the slowest of all processes that book.
  var fleetFigure: Duration { state.withLock { $0.fleet } }

  /// Once a second, until cancelled.
  func keep(_ registry: MetricRegistry, _ replicas: Replicas) async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: .seconds(1)) } catch { return }
      let lag = max(look(), replicas.lagOfOthers)
      state.withLock { $0.fleet = lag }
      registry.update { $0.set(Metrics.ledgerLagSeconds, to: lag.seconds) }
    }
  }

  func look() -> Duration {
    let now = now()
    return state.withLock { state in
      let pending = state.open > 0 ? Duration.milliseconds(now.milliseconds - state.oldest.milliseconds) : .zero
      state.figure = max(state.booked, pending)
      state.booked = .zero
      return state.figure
    }
  }
}
