package import Contracts

/// The whole fleet at one moment, as Redis knows it: the same whoever asks. What lies ready in a lane's queue is the
/// broker's to say.
package struct FleetFigures: Sendable {
  /// By the server's clock.
  package var at: Timestamp
  /// Redis lost its memory: nothing is granted for this long.
  package var hold: Duration?
  /// Whether the bays of this memory were looked at; until then none is given to a user.
  package var isSurveyed: Bool
  /// Whether what was spent is known; until then users with a hard cap or a monthly quota wait.
  package var isMoneyReady: Bool
  /// Of the last few seconds.
  package var workers: [WorkerReport]
  /// Waiting jobs by lane and reason.
  package var waiting: [Lane: [WaitReason: Int]]
  /// Waiting jobs that only lack a slot. Those beyond their user's limit are not among them.
  package var heads: [Lane: Int]
  /// Providers, and models of providers, that do not serve, by scope.
  package var providers: [String: BreakerState]
  /// How long the room of the oldest such job could have been claimed from.
  private var headAge: [Lane: Duration]

  package init(
    at: Timestamp, hold: Duration? = nil, isSurveyed: Bool = true, isMoneyReady: Bool = true,
    workers: [WorkerReport] = [], waiting: [Lane: [WaitReason: Int]] = [:], heads: [Lane: Int] = [:],
    providers: [String: BreakerState] = [:], headAge: [Lane: Duration] = [:]
  ) {
    self.at = at
    self.hold = hold
    self.isSurveyed = isSurveyed
    self.isMoneyReady = isMoneyReady
    self.workers = workers
    self.waiting = waiting
    self.heads = heads
    self.providers = providers
    self.headAge = headAge
  }

  package var slots: Int { workers.reduce(0) { $0 + $1.slots } }

  package func running(_ lane: Lane) -> Int { sum { $0.running[lane] } }

  /// Delivered from the lane, in front of slots that are taken.
  package func buffered(_ lane: Lane) -> Int { sum { $0.buffered[lane] } }

  /// How long the oldest job has been lacking nothing but a slot; zero if none does.
  package func oldestRunnable(_ lane: Lane) -> Duration {
    workers.compactMap { $0.oldest[lane] }.reduce(headAge[lane] ?? .zero, max)
  }

  /// From arrival to start, of jobs of the last minute that had to wait for nothing but a slot.
  package func waits(_ lane: Lane) -> DurationHistogram { merged { $0.waits[lane] } }

  /// How long the calls of a provider took in the last minute.
  package func calls(_ provider: String) -> DurationHistogram { merged { $0.calls[provider] } }

  /// Deliveries and non-empty gets of the workers that are there, over the runs that ended in them; nil before the
  /// first.
  package var messagesPerJob: Double? {
    let finished = workers.reduce(0) { $0 + $1.finished }
    return finished > 0 ? Double(workers.reduce(0) { $0 + $1.deliveries }) / Double(finished) : nil
  }

  private func merged(_ part: (WorkerReport) -> DurationHistogram?) -> DurationHistogram {
    workers.compactMap(part).reduce(into: DurationHistogram()) { $0.add($1) }
  }

  private func sum(_ count: (WorkerReport) -> Int?) -> Int { workers.reduce(0) { $0 + (count($1) ?? 0) } }
}
