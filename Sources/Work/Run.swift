import Admission
import Contracts
import Lanes
import Providers

/// A job in the worker's hands, not yet admitted.
struct Arrival: Sendable {
  let delivery: Delivery
  let job: Job
  /// Where it stands in line here; the intake has no lane.
  let lane: Lane?
  /// When it came into this worker.
  let arrivedAt: ContinuousClock.Instant
  let firstSeen: Timestamp
}

/// A job that was admitted and is on its way through its candidates.
struct Run: Sendable {
  let job: Job
  /// The delivery to settle; another one than at the begin if the first was lost with its connection.
  var delivery: Delivery
  let firstSeen: Timestamp
  let plan: Plan
  let lane: Lane
  var lease: HeldLease
  let startedAt: Timestamp
  /// Cost events of attempts that earlier holders made and nobody is known to have announced.
  let earlierCosts: [[UInt8]]
}

/// How a run ended in this worker, before it is written down.
struct RunEnd: Sendable {
  var run: Run
  /// Nil for success.
  var fault: ResultEvent.Fault?
  var success: (candidate: Plan.Candidate, reply: ProviderReply)?
  /// Attempts made here, in order.
  var attempts: [ResultEvent.Attempt]
  /// Cost events of the attempts made here.
  var events: [CostEvent]
  /// Those of them that `finish` has yet to write.
  var unwritten: [CostEvent]

  /// Of all attempts made here together.
  var milliseconds: Int64 { attempts.reduce(0) { $0 + $1.milliseconds } }
}
