import Admission
import Contracts
import Lanes

/// A job in the worker's hands, not yet admitted.
struct Arrival: Sendable {
  let delivery: Delivery
  let job: Job
  /// Where it stands in line here; the intake has no lane.
  let lane: Lane?
  /// When it came into this worker.
  let arrivedAt: ContinuousClock.Instant
  let firstSeen: Timestamp
  /// Of a head that was taken from a bay, until it is redeemed. Kept in a box: few have one, all are copied often.
  var claim: Claim? {
    get { box?.claim }
    set { box = newValue.map(ClaimBox.init) }
  }
  private var box: ClaimBox?
  /// How often it was asked about again because its bay was being opened.
  private(set) var tries = 0

  init(delivery: Delivery, job: Job, lane: Lane?, firstSeen: Timestamp, claim: Claim? = nil) {
    self.delivery = delivery
    self.job = job
    self.lane = lane
    arrivedAt = .now
    self.firstSeen = firstSeen
    box = claim.map(ClaimBox.init)
  }

  /// A run that stopped between two attempts, as the job that it was.
  init(_ run: Run, _ delivery: Delivery) {
    self.init(delivery: delivery, job: run.job, lane: run.lane, firstSeen: run.firstSeen)
  }

  var triedAgain: Arrival {
    var arrival = self
    arrival.tries += 1
    return arrival
  }

  /// The message of the same job after its claim was redeemed or given back.
  var unclaimed: Arrival {
    var arrival = self
    arrival.claim = nil
    return arrival
  }
}

private final class ClaimBox: Sendable {
  let claim: Claim

  init(_ claim: Claim) { self.claim = claim }
}

/// A job that was admitted and is on its way through its candidates.
final class Run: Sendable {
  let job: Job
  /// The delivery that was admitted; another one is settled if it was lost with its connection.
  let delivery: Delivery
  let firstSeen: Timestamp
  let plan: Plan
  let lane: Lane
  let lease: HeldLease
  let startedAt: Timestamp
  /// Cost events of attempts that earlier holders made and nobody is known to have announced.
  let earlierCosts: [[UInt8]]
  /// The provider's own id of the attempt that goes on in this run; nil for one that begins here.
  let remoteTask: String?
  /// Given when the job is to end before its time.
  let stop: StopOrder

  init(
    arrival: Arrival, plan: Plan, lane: Lane, lease: HeldLease, startedAt: Timestamp, earlierCosts: [[UInt8]],
    remoteTask: String? = nil
  ) {
    job = arrival.job
    delivery = arrival.delivery
    firstSeen = arrival.firstSeen
    self.plan = plan
    self.lane = lane
    self.lease = lease
    self.startedAt = startedAt
    self.earlierCosts = earlierCosts
    self.remoteTask = remoteTask
    stop = StopOrder()
  }

  private init(_ run: Run, job: Job, lease: HeldLease, remoteTask: String?) {
    self.job = job
    delivery = run.delivery
    firstSeen = run.firstSeen
    plan = run.plan
    lane = run.lane
    self.lease = lease
    startedAt = run.startedAt
    earlierCosts = run.earlierCosts
    self.remoteTask = remoteTask
    stop = run.stop
  }

  /// The run with its next attempt.
  func going(on lease: HeldLease) -> Run { Run(self, job: job, lease: lease, remoteTask: nil) }

  /// The run with the job as its providers get it.
  func with(_ job: Job) -> Run { Run(self, job: job, lease: lease, remoteTask: remoteTask) }

  /// Nil for one that had to wait for nothing but a free slot.
  var waitedFor: WaitReason? { delivery.trips > 0 || delivery.copy > 0 ? .concurrency : nil }

  /// What an event of this run means for the month's books; nil when nothing of the user is limited.
  func spent(_ event: CostEvent) -> Spending? {
    plan.limits.isMetered ? Spending(event.cost.amount, event.usage, jobs: 1) : nil
  }
}
