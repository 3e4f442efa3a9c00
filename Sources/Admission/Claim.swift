package import Contracts

/// The right to take one head of a bay. It holds one of its user's slots for a few seconds.
package struct Claim: Sendable, Hashable {
  package let lane: Lane
  /// base64url.
  package let user: String
  package let id: String
  package let bay: Int
  /// Of the bay's lease.
  package let generation: Int64
  /// How many copies the room had seen committed; tells a count of the broker that is older from one that is newer.
  let commits: Int64
  /// Lease id of a head that this worker has in hand already; nil when one is to be taken from the bay.
  package let deck: String?
  /// Messages that the broker had left when the head was taken; nil once the room was told, and for a deck's claim.
  package var remaining: Int?

  package init(
    lane: Lane, user: String, id: String, bay: Int, generation: Int64, commits: Int64, deck: String?,
    remaining: Int? = nil
  ) {
    self.lane = lane
    self.user = user
    self.id = id
    self.bay = bay
    self.generation = generation
    self.commits = commits
    self.deck = deck
    self.remaining = remaining
  }

  var text: String { "\(id) \(bay) \(generation) \(commits) \(remaining.map(String.init) ?? "-")" }
}

/// What claiming brought, and what is known of the waiting rooms for the next time.
package struct Claimed: Sendable {
  package var claims: [Claim]
  /// Rooms that could be claimed from now, by lane.
  package var due: [Lane: Int]
  /// When more becomes due; nil for nothing in sight.
  package var next: Duration?
  /// Names Redis' memory; another one means that it was lost.
  package var epoch: String
  /// Whether the bays of this memory were looked at, and the money that was spent is known to it.
  package var isSurveyed: Bool
  package var isMoneyReady: Bool
  /// Whether nothing is granted yet, because this memory is new.
  package var isHeld: Bool
}

/// Where a waiting job is to go.
package struct WaitPlace: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// A refused head stays in this worker's hands for a while.
    case deck
    /// Into the bay; `isNew`: this worker declares it first.
    case bay(Int, generation: Int64, copy: Int, isNew: Bool)
    /// No bay: it comes back by itself.
    case ladder
    /// A bay that another worker is declaring, or whose deck is taken: asking again in a moment may help.
    case soon
  }
  package var kind: Kind
  package var reason: WaitReason
  /// When asking again can help at the earliest.
  package var until: Duration
  /// When the job is expected to start.
  package var expected: Duration
  package var position: Int
  package var active: Int
  /// Events of earlier attempts that were not known to be settled. They are to be announced while the job waits: it may
  /// be waiting for the very money that they keep open.
  package var costs: [[UInt8]]

  package init(
    kind: Kind, reason: WaitReason, until: Duration, expected: Duration, position: Int, active: Int,
    costs: [[UInt8]] = []
  ) {
    self.kind = kind
    self.reason = reason
    self.until = until
    self.expected = expected
    self.position = position
    self.active = active
    self.costs = costs
  }
}

/// Why a job waits. The raw values stand in metrics, listings and Redis.
package enum WaitReason: String, Sendable, CaseIterable {
  /// The user runs as many jobs as it may, or others of it were there before.
  case concurrency
  case rate
  /// What is left of the month's cap or quota is reserved for jobs that run.
  case moneyReserved = "money_reserved"
  case quotaReserved = "quota_reserved"
  /// Redis lost its memory and what was spent is not known to it yet.
  case catchingUp = "catching_up"
  case notBefore = "not_before"
  case runningElsewhere = "running_elsewhere"
  /// All providers that could do it rest, or were taken out by hand.
  case providerResting = "provider_resting"
  /// Jobs that it names in `after` have not succeeded yet.
  case parents

  /// Whether a limit of the user stands against it, which admission says.
  package var isLimit: Bool {
    switch self {
    case .concurrency, .rate, .moneyReserved, .quotaReserved, .catchingUp: true
    case .notBefore, .runningElsewhere, .providerResting, .parents: false
    }
  }
}
