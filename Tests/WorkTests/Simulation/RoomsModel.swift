import Contracts

/// Redis as the scripts of admission treat it, without money: a pure value that an ask changes and answers at a given
/// time. Each function follows the script of its name; prelude's are here. Scores and lengths are milliseconds,
/// instants that come in are microseconds.
struct RoomsModel {
  /// Leases and claims. A head's and a claim's name their bay.
  struct LeaseID: Hashable {
    var worker: Int
    var number: Int
    var isClaim = false
    var bay: Int?
  }

  struct Key: Hashable {
    var lane: Lane
    var user: Int
  }

  struct Room {
    var bay: Int?
    var generation = 0
    /// The worker that declares the bay, and how long it may take; nil once it is open.
    var opener: (worker: Int, until: Int)?
    var copies = 0
    var commits = 0
    var sequence = 0
    var head = 0
    var gate = 0
    var isRated = false
    var limit = 1
    var isSingle = false
    var deck: (lease: LeaseID, until: Int)?
    var emptied: Int?
    var ladder = 0
    var every = 0.0
    var granted: Int?

    func hasDeck(at now: Int) -> Bool { deck.map { $0.until > now } ?? false }
  }

  struct Job {
    enum State { case waiting, running, queued, done }
    var state = State.waiting
    var attempt = 0
    var lease: LeaseID?
    var copy = 0
    /// Where the newest committed copy lies.
    var place: (bay: Int, generation: Int)?
    var sequence: Int?
    var since = 0
    /// Somebody wants it ended.
    var isCancelled = false
  }

  struct User {
    var leases: [LeaseID: Int] = [:]
    var rooms: Set<Lane> = []
    var length: Double?
    var arrival = 0
    var starts: [Int] = []
  }

  static let leaseLength = 30_000
  static let claimLength = 5000
  static let secondLook = 10_000
  static let opening = 30_000
  static let attemptBudget = 6

  let pool: Int
  var rooms: [Key: Room] = [:]
  var jobs: [Int: Job] = [:]
  var users: [User]
  /// By rank of the lane: user -> earliest instant at which looking can be useful.
  var due: [[Int: Int]] = [[:], [:], [:], [:]]
  /// By bay: job -> expiry.
  var begun: [Int: [Int: Int]] = [:]
  /// By bay; `isLeased` false while nobody has it.
  var bays: [Int: (generation: Int, isLeased: Bool)] = [:]
  var free: Set<Int> = []
  /// Waiting jobs, which every script must keep in step.
  var waiting = 0
  var ended = 0

  init(users: Int, pool: Int) {
    self.users = Array(repeating: User(), count: users)
    self.pool = pool
  }

  mutating func active(_ user: Int, _ now: Int) -> Int {
    if users[user].leases.contains(where: { $1 <= now }) {
      users[user].leases = users[user].leases.filter { $1 > now }
    }
    return users[user].leases.count
  }

  func firstExpiry(_ user: Int, _ now: Int) -> Int { users[user].leases.values.min() ?? now }

  mutating func arm(_ key: Key, _ now: Int) {
    let rank = key.lane.rank
    guard let room = rooms[key], room.bay != nil else {
      due[rank][key.user] = nil
      return
    }
    let had = due[rank][key.user]
    if room.copies <= 0, !room.hasDeck(at: now) {
      if had.map({ $0 > now + Self.secondLook }) ?? true { due[rank][key.user] = now + Self.secondLook }
      return
    }
    var instant = now
    if room.gate > now {
      instant = room.gate
    } else if active(key.user, now) >= room.limit {
      instant = max(now + 1, firstExpiry(key.user, now))
    } else if let had, had <= now {
      return
    }
    due[rank][key.user] = instant
  }

  mutating func armAll(of user: Int, _ now: Int) {
    for lane in Lane.allCases where users[user].rooms.contains(lane) { arm(Key(lane: lane, user: user), now) }
  }

  mutating func passOn(_ user: Int, _ now: Int) {
    for lane in Lane.allCases where users[user].rooms.contains(lane) {
      let key = Key(lane: lane, user: user)
      if rooms[key]?.isRated == false { rooms[key]?.gate = 0 }
      arm(key, now)
    }
  }

  mutating func freeBay(_ key: Key, _ bay: Int, _ generation: Int) {
    bays[bay] = (generation + 1, false)
    free.insert(bay)
    rooms[key] = nil
    begun[bay] = nil
    due[key.lane.rank][key.user] = nil
    users[key.user].rooms.remove(key.lane)
  }
}
