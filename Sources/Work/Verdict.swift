import Admission
import Contracts
import Lanes

/// What is to be done with a delivery. Every way through the pipeline ends in one of these, and `Settler` is the only
/// place that acts on them. Indirect: one box instead of a copy of every text in every hand.
indirect enum Verdict: Sendable {
  /// The run ended here.
  case ended(RunEnd, Delivery)
  /// The run ends without a lease: it may not or can no longer be attempted.
  case closed(ClosedRun)
  /// It had ended before: say so again.
  case known(Arrival, FinishedRun)
  /// Over a limit, and its user has a bay.
  case park(Arrival, ParkingPlace)
  /// Over a limit, not yet due, or running elsewhere: come back later.
  case handBack(Arrival, after: Duration, WaitReason)
  /// All that could do it rests: come back later.
  case rest(Arrival, after: Duration, passedOver: [RouteSkip])
  /// A later copy of the job waits where it can be found.
  case stale(Delivery)
  /// Found in a lane above its tier's, or in the intake.
  case move(Arrival, to: Lane, tier: String)
  /// A valid job without an id gets one.
  case identify(Delivery, id: String)
  /// No job, or another job under a taken id.
  case bury(Delivery, JobMessage.Refusal)
}

extension Verdict {
  var movedArrival: Arrival? { if case .move(let arrival, _, _) = self { arrival } else { nil } }
}

/// The bay that a job waits in.
struct ParkingPlace: Sendable {
  var bay: Int
  var generation: Int64
  /// Number of the copy that is put there.
  var copy: Int
  /// Whether the bay was leased just now, by this worker.
  var isNew: Bool
  var lane: Lane
  /// Whether that is the lane of its tier.
  var isOwnLane: Bool
}

/// A run that ends without holding a lease.
struct ClosedRun: Sendable {
  var arrival: Arrival
  var tier: String
  /// Nil before any attempt of the run.
  var run: String?
  var attempt: Int
  var fault: ResultEvent.Fault
  /// What was passed over behind the last attempt.
  var passedOver: [RouteSkip]
  /// Events of earlier attempts.
  var costs: [[UInt8]]
}
