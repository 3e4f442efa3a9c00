import Admission
import Contracts
import TestKit

/// A broker, workers and a ledger that do random things, with Redis and its model beside them. Every operation asks
/// both. One task drives it.
struct World {
  /// A message of a job: its number among the copies travels with it.
  struct Message: Hashable {
    var job: Int
    var copy: Int
  }

  enum Source: Hashable {
    case lane
    case bay(Int)
  }

  enum Stage {
    case asking(Claim?)
    /// On the way into a bay.
    case begun(ParkedCopy, isNew: Bool)
    case published(ParkedCopy)
    case running(HeldLease)
    case deck(Claim, until: Int64)
    /// Its end is written; what is left is the acknowledgement.
    case over
  }

  struct Delivery {
    var message: Message
    var source: Source
    var leaseID: String
    var stage: Stage
  }

  struct Worker {
    var id: String
    var deliveries: [Delivery] = []
    /// Runs whose messages the broker took back.
    var strays: [HeldLease] = []
    /// Granted, and no head was taken yet.
    var claims: [Claim] = []
    /// It does nothing and renews nothing.
    var isFrozen = false
    var renewed: Int64 = 0
    /// Bays that it declared, by number and generation.
    var declared: Set<[Int64]> = []
  }

  /// What a user may do; rates stay what they are.
  struct User {
    var name: String
    var concurrency: Int
    var limits: AdmissionLimits
    var lane: Lane
  }

  struct LadderEntry {
    var message: Message
    var at: Int64
  }

  /// An event that billing has not booked.
  struct Unbooked {
    var id: String
    var month: String
    var spent: Spending
  }

  let bench: AdmissionBench
  let clock: StillRedis
  var model: AdmissionModel
  var random: SplitMix64

  var users: [User]
  var jobs: [Job] = []
  /// How often Redis may rightly have written an end of a job: once, and once more for each loss of its memory.
  var allowedEnds: [Int] = []
  var ends: [Int] = []
  var lanes: [Lane: [Message]] = [:]
  var ladder: [LadderEntry] = []
  /// Those that exist, with what is ready in them.
  var bays: [Int: [Message]] = [:]
  /// Messages of each job that are anywhere.
  var copies: [Int: Int] = [:]
  var workers: [Worker] = []
  var ledger: [String: [String: AdmissionModel.Base]] = [:]
  var unbooked: [String: [Unbooked]] = [:]
  /// Of all events that were ever published.
  var announced: Set<String> = []

  /// Leases of frozen workers that Redis forgot: nothing can be known of what runs there until they are renewed.
  var forgotten: Set<String> = []

  var stamp = "policy-1"
  var serial = 0
  var operations = 0
  var log: [String] = []
  var statistics: [String: Int] = [:]

  init(seed: UInt64, start: Int64) async throws {
    random = SplitMix64(seed: seed)
    clock = try await StillRedis.shared()
    try clock.set(start)
    bench = try await AdmissionBench.still(
      at: start, attempts: 4, bays: [2, 4, 6, 64].randomElement(using: &random) ?? 4)
    model = AdmissionModel(micros: start, attemptBudget: 4)
    users = []
    for name in ["ana", "ben", "cleo", "dan", "eve", "f:g@h"] {
      users.append(Self.user(name, &random))
      ledger[name] = [:]
    }
    for _ in 1...3 { workers.append(Worker(id: "w\(nextSerial())")) }
    for lane in Lane.allCases { lanes[lane] = [] }
  }

  private static func user(_ name: String, _ random: inout SplitMix64) -> User {
    var limits = AdmissionLimits()
    if random.chance(1, in: 3) { limits.perMinute = Int.random(in: 5...40, using: &random) }
    if random.chance(1, in: 3) {
      limits.perSecond = Int.random(in: 1...9, using: &random)
      if random.chance(1, in: 2) { limits.burst = Int.random(in: 1...20, using: &random) }
    }
    if random.chance(1, in: 2) { limits.monthlyCap = Money(nanoUSD: Int64.random(in: 1_000...60_000, using: &random)) }
    if random.chance(1, in: 4) { limits.tokens = Int.random(in: 100...9_000, using: &random) }
    if random.chance(1, in: 4) { limits.audioSeconds = Int.random(in: 1...200, using: &random) }
    if random.chance(1, in: 4) { limits.jobs = Int.random(in: 5...80, using: &random) }
    return User(
      name: name, concurrency: Int.random(in: 1...4, using: &random), limits: limits,
      lane: Lane.allCases.randomElement(using: &random) ?? .standard)
  }

  func user(of job: Job) -> User { users.first { $0.name == job.userID } ?? users[0] }

  mutating func note(_ text: String) {
    operations += 1
    log.append("\(operations) at \(model.now): \(text)")
    if log.count > 30 { log.removeFirst() }
  }

  mutating func count(_ what: String, by number: Int = 1) { statistics[what, default: 0] += number }

  /// The worst that an attempt of a user can cost; nil for users whom nothing limits.
  mutating func worst(_ user: User) -> Spending? {
    guard user.limits.isMetered else { return nil }
    return Spending(
      nanoUSD: Int64.random(in: 0...2_000, using: &random), tokens: Int64.random(in: 0...300, using: &random),
      audioMilliseconds: random.chance(1, in: 3) ? Int64.random(in: 0...9_000, using: &random) : 0, jobs: 1)
  }

  /// What an attempt spent: at most its worst case.
  mutating func spent(of worst: Spending) -> Spending {
    Spending(
      nanoUSD: Int64.random(in: 0...worst.nanoUSD, using: &random),
      tokens: Int64.random(in: 0...worst.tokens, using: &random),
      audioMilliseconds: Int64.random(in: 0...worst.audioMilliseconds, using: &random), jobs: worst.jobs)
  }

  func number(of job: Job) -> Int { Int(job.id.dropFirst(4)) ?? 0 }

  mutating func nextSerial() -> Int {
    serial += 1
    return serial
  }

  // What lies where. A job that has not ended always has a message.

  mutating func add(_ message: Message) { copies[message.job, default: 0] += 1 }

  mutating func drop(_ message: Message, _ why: String) throws {
    copies[message.job, default: 0] -= 1
    guard copies[message.job] ?? 0 <= 0, ends[message.job] == 0 else { return }
    throw Mismatch("the last message of \(jobs[message.job].id) was given up: \(why)")
  }

  /// Onto the delay ladder, confirmed, and then the one in hand is given up.
  mutating func climb(_ message: Message, for time: Int64) {
    ladder.append(LadderEntry(message: message, at: model.now + min(max(time, 1_000), 16_000)))
  }
}
