package import Admission
package import Billing
package import Contracts

/// The fleet at one moment, as one reading for all who look: lanes, workers, providers, users that wait most, and what the
/// ledger said last. What could not be read keeps the figures that were read before, with their age; what was never read is
/// nil. A value: pages and verdicts are made of it and ask nobody.
package struct FleetSample: Sendable {
  /// Counts on from 1; 0 before the first reading.
  package var number = 0
  /// By Redis' clock, at the last reading of Redis; by this machine's before the first.
  package var time: Timestamp
  package var redis = Source()
  package var broker = Source()
  package var ledger = Source()

  package var lanes: [LaneSample]
  package var workers = 0
  package var slots = 0
  /// Slots that run something.
  package var busy: Int { lanes.reduce(0) { $0 + $1.running } }
  /// Runs that ended within the last minute; nil until that is known.
  package var finishedPerMinute: Double?
  /// How long ago the last run ended that this sampler saw end; nil when it saw none.
  package var lastEnd: Duration?
  /// Redis lost its memory: nothing starts for this long.
  package var hold: Duration?
  /// What stands against all jobs or many, as `LaneBoard` says it; empty as a rule.
  package var notices: [String] = []
  /// Of the policy, and those that only breakers or holds still name.
  package var providers: [ProviderSample] = []
  /// Who waits most, at most 20, the longest line first.
  package var users: [WaitingUser] = []
  /// Messages in `jobs.dead` and `jobs.blocked`; nil until the broker has answered.
  package var dead: Int?
  package var blocked: Int?
  /// Dead letters that came within the last five minutes, as far as this sampler saw.
  package var deadGrowth = 0
  package var freeze = FreezeSample()
  /// For how long cost events have lain in their queue without one of them being booked; nil while there are none.
  package var unbooked: Duration?
  /// What is the matter, by the ledger, the oldest first; nil while the ledger was never read.
  package var conditions: [Condition]?
  package var money: MoneySample?

  package init(time: Timestamp, lanes: [LaneSample] = Lane.allCases.map { LaneSample($0) }) {
    self.time = time
    self.lanes = lanes
  }

  package subscript(lane: Lane) -> LaneSample { lanes.first { $0.lane == lane } ?? LaneSample(lane) }

  /// Of what Redis and the broker say, whichever is older; nil before both have answered once.
  package var age: Duration? {
    guard let redis = redis.age, let broker = broker.age else { return nil }
    return max(redis, broker)
  }

  /// Older than this is not the state of the fleet any more.
  package static let freshness: Duration = .seconds(3)

  /// Whether figures of Redis or of the broker are older than that.
  package var isStale: Bool { age.map { $0 > Self.freshness } ?? true }

  /// One that is asked, and how that goes.
  package struct Source: Sendable, Hashable {
    /// Since it answered last; nil when it never did.
    package var age: Duration?
    /// When it first did not answer, while it does not.
    package var awaySince: Timestamp?
    /// One sentence for people, while it does not.
    package var why: String?

    package init(age: Duration? = nil, awaySince: Timestamp? = nil, why: String? = nil) {
      self.age = age
      self.awaySince = awaySince
      self.why = why
    }

    package var isAway: Bool { awaySince != nil }
  }
}

/// One lane of a sample.
package struct LaneSample: Sendable {
  package var lane: Lane
  /// In the queue, not delivered, and who consumes from it; nil until the broker has answered.
  package var ready: Int?
  package var consumers: Int?
  /// Ready, in front of slots that are taken, or waiting and free to start.
  package var runnable = 0
  package var running = 0
  /// By reason, without those of none.
  package var waiting: [WaitReason: Int] = [:]
  /// For how long the oldest one has lacked nothing but a slot.
  package var oldestRunnable: Duration = .zero
  /// Within which 95 of 100 jobs shall start: the strictest service level of the lane's tiers.
  package var promise: Duration?
  /// Taken from the queue, and runs that ended, within the last minute; nil until known.
  package var takenPerMinute: Double?
  package var finishedPerMinute: Double?

  package init(_ lane: Lane) { self.lane = lane }

  /// What waits as its users' limits and wishes ask for, the most first: the product at work.
  package var theirs: [(reason: WaitReason, count: Int)] { sorted { $0.isTheirs } }
  /// What a reason of the fleet or its providers holds, the most first. Those that only lack a slot are `runnable`.
  package var ours: [(reason: WaitReason, count: Int)] { sorted { !$0.isTheirs } }

  package var waitingTheirs: Int { theirs.reduce(0) { $0 + $1.count } }
  /// With those that only lack a slot.
  package var waitingOurs: Int { ours.reduce(runnable) { $0 + $1.count } }
  /// All that waits, for whatever reason.
  package var backlog: Int { waitingTheirs + waitingOurs }

  package func waiting(for cause: WaitCause) -> Int {
    switch cause {
    case .reason(let reason): waiting[reason] ?? 0
    case .slot: runnable
    case .hold: 0
    }
  }

  /// A backlog is no fault before its oldest job has waited longer than this for a slot, where nothing was promised.
  package static let patience: Duration = .seconds(60)

  /// Whether the oldest has waited longer for a slot than was promised, or than `patience`.
  package var isLate: Bool { runnable > 0 && oldestRunnable > promise ?? Self.patience }

  private func sorted(_ belongs: (WaitReason) -> Bool) -> [(reason: WaitReason, count: Int)] {
    waiting.filter { $0.value > 0 && belongs($0.key) }
      .sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map { ($0.key, $0.value) }
  }
}

extension WaitReason {
  /// Whether it is what the job's user was granted or asked for that holds it, not the fleet.
  package var isTheirs: Bool {
    switch self {
    case .concurrency, .rate, .moneyReserved, .quotaReserved, .notBefore, .parents: true
    case .catchingUp, .runningElsewhere, .providerResting: false
    }
  }
}

package struct ProviderSample: Sendable {
  package var row: ProviderBoard.Row
  /// What half, and 95 of 100, of the calls of the last minute took at most; nil without any, and for a single model.
  package var p50: Duration?
  package var p95: Duration?
  /// Calls that ended within the last minute.
  package var callsPerMinute = 0

  package init(_ row: ProviderBoard.Row, p50: Duration? = nil, p95: Duration? = nil, callsPerMinute: Int = 0) {
    self.row = row
    self.p50 = p50
    self.p95 = p95
    self.callsPerMinute = callsPerMinute
  }
}

/// Somebody whose jobs wait in a room of their own.
package struct WaitingUser: Sendable, Hashable {
  package var user: String
  package var lane: Lane
  /// That was assigned; nil where messages or the policy's default say which.
  package var tier: String?
  /// In all lanes; slots of a user are the same in all of them.
  package var running: Int
  /// Jobs that may run at once.
  package var limit: Int
  /// Jobs in this room.
  package var waiting: Int
  /// Why the first of them waits; nil while nothing stands against it.
  package var reason: WaitReason?
  /// Estimates, by Redis' clock; nil before a run of the user has ended.
  package var firstStart: Timestamp?
  package var lastStart: Timestamp?

  package init(
    user: String, lane: Lane, tier: String? = nil, running: Int, limit: Int, waiting: Int, reason: WaitReason? = nil,
    firstStart: Timestamp? = nil, lastStart: Timestamp? = nil
  ) {
    self.user = user
    self.lane = lane
    self.tier = tier
    self.running = running
    self.limit = limit
    self.waiting = waiting
    self.reason = reason
    self.firstStart = firstStart
    self.lastStart = lastStart
  }
}

/// Whether the versions of models are frozen. Redis says whether; since when and by whom is the ledger's to say.
package struct FreezeSample: Sendable, Hashable {
  /// Nil when Redis does not know, as after a loss of its memory.
  package var isOn: Bool?
  package var since: Timestamp?
  package var by: String?
  package var reason: String?

  package init(isOn: Bool? = nil, since: Timestamp? = nil, by: String? = nil, reason: String? = nil) {
    self.isOn = isOn
    self.since = since
    self.by = by
    self.reason = reason
  }
}
