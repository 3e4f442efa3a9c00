import Admission
import Contracts

/// What Redis should know, as a plain value that is written from the rules and not from the scripts: leases, rates,
/// money, how each job stands, who has which bay. Each question is asked of it as well as of Redis; it checks the
/// answer and takes over what follows from it. Where the answer depends on how many messages Redis believes to be in a
/// bay, which is only ever near the truth, it accepts both. Times are milliseconds, `micros` excepted.
struct AdmissionModel {
  struct Job {
    enum State { case waiting, running, queued, done }
    var state: State
    var user: String
    var digest: String
    var run: String?
    var attempt = 0
    var lease: String?
    var month: String?
    /// The newest committed copy, and where it was put.
    var copy = 0
    var bay = 0
    var generation: Int64 = 0
    /// The events of attempts that were declared unknown.
    var unknown: [Int: [UInt8]] = [:]
    /// The last of them that may be made again whatever the job is.
    var again: Int?
    /// The lease whose next attempt was refused.
    var refused: String?
    /// Whether a row or an open entry counts its run already.
    var isCounted = true
    /// Somebody wants it ended.
    var isCancelled = false
    /// It ended so; its message may come again.
    var isBlocked = false
    /// Of a waiting job.
    var lane: Lane?
    var why: WaitReason?
  }

  /// Figures in the order of the scripts: nano-USD, tokens, audio ms, video ms, jobs.
  struct Entry: Equatable {
    var month: String
    var figures: [Int64]
    var isSettled: Bool
  }

  struct Base {
    var row: Int64 = 0
    var figures: [Int64] = [0, 0, 0, 0, 0]
  }

  struct User {
    /// Leases and claims, with when they run out.
    var leases: [String: Int64] = [:]
    /// Microseconds, of the last minute.
    var starts: [Int64] = []
    /// Microseconds: when the bucket is full again.
    var fullAgain: Int64 = 0
    var open: [String: Entry] = [:]
    var base: [String: Base] = [:]
  }

  struct RoomKey: Hashable {
    var lane: Lane
    var user: String
  }

  struct Room {
    var bay: Int
    var generation: Int64
    /// Nil once something was committed; until then the worker that declares the bay, and for how long it may.
    var opener: (worker: String, until: Int64)?
    var deck: (lease: String, until: Int64)?
    var limit: Int
    var stamp: String
    /// When the broker had nothing for the first time since something happened.
    var emptySince: Int64?
  }

  struct Bay {
    var generation: Int64
    var owner: RoomKey?
  }

  var micros: Int64
  var jobs: [String: Job] = [:]
  var users: [String: User] = [:]
  var rooms: [RoomKey: Room] = [:]
  var bays: [Int: Bay] = [:]
  var free: Set<Int> = []
  /// By bay: jobs on their way into it, with when that is given up.
  var begun: [Int: [String: Int64]] = [:]
  /// From when on this memory may grant; nil for one that no script has looked at yet.
  var grants: Int64? = 0
  var isMoneyReady = true
  var isSurveyed = true

  let leaseLength: Int64 = 30_000
  let attemptBudget: Int

  var now: Int64 { micros / 1000 }
  var month: String { Timestamp(milliseconds: now).chargePeriod }

  /// A memory that nobody knows holds all grants for a lease time.
  mutating func lookAtEpoch() -> Int64 {
    if let grants { return grants }
    let from = now + leaseLength
    grants = from
    isMoneyReady = false
    isSurveyed = false
    return from
  }

  /// The memory is lost.
  mutating func forget() {
    jobs = [:]
    users = [:]
    rooms = [:]
    bays = [:]
    free = []
    begun = [:]
    grants = nil
  }

  /// Another server has the same memory.
  mutating func changeServer() { grants = nil }

  mutating func activeLeases(_ user: String) -> Int {
    let now = now
    users[user, default: User()].leases = users[user, default: User()].leases.filter { $0.value > now }
    return users[user]?.leases.count ?? 0
  }

  func isHeld(_ lease: String?, of user: String) -> Int64? {
    guard let lease, let expiry = users[user]?.leases[lease], expiry > now else { return nil }
    return expiry
  }

  func isOwned(_ bay: Int, _ generation: Int64) -> Bool {
    bays[bay].map { $0.generation == generation && $0.owner != nil } ?? false
  }

  func room(_ lane: Lane, _ user: String) -> Room? { rooms[RoomKey(lane: lane, user: user)] }
}

/// Redis answered what the model excludes.
struct Mismatch: Error, CustomStringConvertible {
  var description: String
  init(_ text: String) { description = text }
}

func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
  if !condition { throw Mismatch(text()) }
}
