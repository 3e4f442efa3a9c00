import Admission
import Contracts
import Lanes
import Synchronization

/// How long jobs waited and calls took in the last minute, what was taken of each lane and what ended there: what a worker
/// reports so that the whole fleet can be judged. Safe to share.
final class Pulse: Sendable {
  private struct State {
    var taken: [Lane: Int64] = [:]
    var ended: [Lane: Int64] = [:]
    var waits = RecentDurations<Lane>()
    var calls = RecentDurations<String>()
  }

  private let state = Mutex(State())

  /// Off the lanes' queues.
  func took(_ deliveries: [Delivery]) { count(deliveries, 1) }

  /// Back to their lanes, not looked at.
  func returned(_ deliveries: [Delivery]) { count(deliveries, -1) }

  private func count(_ deliveries: [Delivery], _ step: Int64) {
    state.withLock { state in
      for delivery in deliveries where delivery.bay == nil {
        if let lane = delivery.lane { state.taken[lane, default: 0] += step }
      }
    }
  }

  func ended(_ runs: [Run]) {
    state.withLock { state in
      for run in runs { state.ended[run.lane, default: 0] += 1 }
    }
  }

  /// What a user's own limit held back was not kept waiting by the fleet.
  func started(_ runs: [Run], at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      for run in runs where run.waitedFor == nil {
        state.waits.add(.milliseconds(run.startedAt.milliseconds - run.firstSeen.milliseconds), to: run.lane, at: now)
      }
    }
  }

  func called(_ provider: String, for duration: Duration, at now: ContinuousClock.Instant = .now) {
    state.withLock { $0.calls.add(duration, to: provider, at: now) }
  }

  func fill(_ report: inout WorkerReport, at now: ContinuousClock.Instant = .now) {
    (report.taken, report.ended, report.waits, report.calls) = state.withLock { state in
      (state.taken, state.ended, state.waits.all(at: now), state.calls.all(at: now))
    }
  }
}

/// Durations of the last minute by what they belong to, kept in slices of five seconds: a slice is forgotten as a whole.
struct RecentDurations<Key: Hashable & Sendable>: Sendable {
  private static var sliceLength: Duration { .seconds(5) }
  private static var slices: Int { 12 }

  private var recent: [(begin: ContinuousClock.Instant, durations: [Key: DurationHistogram])] = []

  mutating func add(_ duration: Duration, to key: Key, at now: ContinuousClock.Instant) {
    if recent.last.map({ now - $0.begin >= Self.sliceLength }) ?? true {
      forget(at: now)
      recent.append((now, [:]))
    }
    recent[recent.count - 1].durations[key, default: DurationHistogram()].add(duration)
  }

  mutating func all(at now: ContinuousClock.Instant) -> [Key: DurationHistogram] {
    forget(at: now)
    return recent.reduce(into: [:]) { all, slice in
      all.merge(slice.durations) { left, right in
        var sum = left
        sum.add(right)
        return sum
      }
    }
  }

  private mutating func forget(at now: ContinuousClock.Instant) {
    let limit = now - Self.sliceLength * Self.slices
    recent.removeAll { $0.begin <= limit }
  }
}
