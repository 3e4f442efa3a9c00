package import Contracts

/// How one job stands, read from Redis in one step: what it waits for, where, who holds its user's slots.
package struct JobStanding: Sendable {
  package enum State: Sendable, Hashable {
    /// Between two attempts: its next delivery asks for admission again.
    case queued
    case waiting
    case running
    case done
  }

  /// By the server's clock.
  package var at: Timestamp
  /// Redis lost its memory: nothing is granted for this long.
  package var hold: Duration?
  package var isSurveyed: Bool
  package var isMoneyReady: Bool

  package var state: State
  /// base64url.
  package var user: String
  /// When the gateway accepted it, of a job that no worker has looked at yet.
  package var accepted: Timestamp?
  /// That it was accepted with; nil for one that came another way.
  package var tier: String?
  /// The lane it last asked in; nil when it ended without asking.
  package var lane: Lane?
  package var run: String?
  /// Number of the last attempt, 0 for none.
  package var attempt: Int
  /// When the attempt that runs began.
  package var since: Timestamp?
  /// What the attempt that runs is, in the form of `AdmissionRequest.intent`.
  package var intent: [UInt8]?
  /// That the run is charged to; of a job without an attempt, the present one.
  package var month: String?
  /// Of attempts that were not known to be settled.
  package var costs: [[UInt8]]
  /// Number of the copy that is the job.
  package var copy: Int
  /// Of a job that has ended.
  package var status: RunStatus?
  /// The result event without its output.
  package var result: [UInt8]?
  /// References to the files that it made, in the form of an output.
  package var files: [UInt8]?

  /// What does not serve, by scope.
  package var breakers: [String: BreakerState]

  package var wait: Wait?
  /// Of a job whose providers rest: what was passed over when it was last planned.
  package var passedOver: [RouteSkip] = []
  /// Leases and claims of the user that are alive.
  package var active: Int
  /// Of those at most the hundred that end last.
  package var holders: [Holder]
  /// What the ledger has of the month, and what is open beyond that; nil where nothing was limited.
  package var base: Spending?
  package var open: Spending?

  /// Nothing but its state.
  package init(at time: Timestamp, state: State, user: String) {
    at = time
    isSurveyed = true
    isMoneyReady = true
    self.state = state
    self.user = user
    attempt = 0
    costs = []
    breakers = [:]
    copy = 0
    active = 0
    holders = []
  }

  /// What a waiting job waits for, and where.
  package struct Wait: Sendable {
    package enum Place: Sendable, Hashable {
      /// In a worker's hand.
      case deck
      case bay(Int)
      /// A copy is on its way there.
      case parking(Int)
      /// It comes back by itself.
      case ladder
    }

    package var place: Place
    /// What stood against it when it was last judged.
    package var reason: WaitReason
    package var since: Timestamp
    /// 1 is the next.
    package var position: Int
    package var expected: Duration
    /// The user's next waiting job may not be asked about before; nil when it may.
    package var gate: Duration?
    /// Why not.
    package var gateReason: WaitReason?
    /// By which the user's last job that had to wait was judged; nil where that is not known.
    package var concurrency: Int?
    package var limits: AdmissionLimits
    /// Of a job that waits for others: how many of them have succeeded, and how many there are.
    package var parents: Parents?

    package struct Parents: Sendable, Hashable {
      package var succeeded: Int
      package var all: Int

      package init(succeeded: Int, all: Int) {
        self.succeeded = succeeded
        self.all = all
      }
    }

    package init(
      place: Place, reason: WaitReason, since: Timestamp, position: Int, expected: Duration, gate: Duration? = nil,
      gateReason: WaitReason? = nil, concurrency: Int?, limits: AdmissionLimits
    ) {
      self.place = place
      self.reason = reason
      self.since = since
      self.position = position
      self.expected = expected
      self.gate = gate
      self.gateReason = gateReason
      self.concurrency = concurrency
      self.limits = limits
    }
  }

  /// Who holds one of the user's slots.
  package struct Holder: Sendable, Hashable {
    package var worker: String
    /// Held for a moment, for a waiting job that is about to start.
    package var isClaim: Bool
    package var job: String?
    /// When its attempt began.
    package var since: Timestamp?
    /// Without renewal.
    package var ends: Duration

    package init(worker: String, isClaim: Bool, job: String?, since: Timestamp?, ends: Duration) {
      self.worker = worker
      self.isClaim = isClaim
      self.job = job
      self.since = since
      self.ends = ends
    }
  }
}
