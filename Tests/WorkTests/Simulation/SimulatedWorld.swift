import Contracts
import TestKit

/// What a seed makes before time begins: who sends what to which workers, and what breaks. Times are microseconds.
struct SimulatedWorld {
  struct User {
    var lane: Lane
    var limit: Int
    var perSecond: Int?
    var burst = 1
    var perMinute: Int?

    var isRated: Bool { perSecond != nil || perMinute != nil }
    /// Between sustained starts, as `AdmissionLimits` rounds it.
    var emission: Int? { perSecond.map { (1_000_000 + $0 - 1) / $0 } }
  }

  struct Job {
    var user: Int
    var lane: Lane
    var arrival: Int
    var length: Int
  }

  enum Fault {
    /// The process is gone and another one takes its place.
    case crash
    /// Its connection to the broker is lost: acks with it, and what was unacked returns.
    case disconnect
  }

  var users: [User] = []
  var jobs: [Job] = []
  var slots: [Int] = [4]
  /// Deliveries in front of the slots of each worker and lane.
  var line = 16
  var faults: [(at: Int, worker: Int, Fault)] = []
  var cancels: [(at: Int, job: Int)] = []
  /// Percent of copies that are published twice, and of commits that come late.
  var doubles = 0
  var lateCommits = 0
  var bays = 256
  /// Every message takes up to so many times its least time.
  var jitter = 1
  /// Whether the broker puts returned messages in front.
  var returnsInFront = true

  static let second = 1_000_000
  static let millisecond = 1000

  var isCalm: Bool { faults.isEmpty && doubles == 0 && lateCommits == 0 }

  mutating func add(_ count: Int, of user: Int, from start: Int, every gap: Int, length: Int, in lane: Lane? = nil) {
    for index in 0..<count {
      jobs.append(
        Job(user: user, lane: lane ?? users[user].lane, arrival: start + index * gap, length: length))
    }
  }

  /// A few users of different tiers on a few workers; every third world is a broken one.
  static func random(_ random: inout SplitMix64) -> SimulatedWorld {
    var world = SimulatedWorld()
    world.slots = (0..<random.draw(1...4)).map { _ in random.draw(1...6) }
    world.line = random.draw(1...16)
    world.jitter = random.draw(1...4)
    world.returnsInFront = random.chance(70)
    if random.chance(15) { world.bays = random.draw(1...3) }
    for _ in 0..<random.draw(1...6) {
      var user = User(lane: Lane.allCases[random.draw(0...3)], limit: random.draw(1...4))
      if random.chance(20) {
        user.perSecond = random.draw(5...40)
        user.burst = random.draw(1...10)
      }
      if random.chance(10) { user.perMinute = random.draw(10...60) }
      world.users.append(user)
    }
    for user in world.users.indices {
      let lanes = Lane.allCases.filter { $0 <= world.users[user].lane }
      for _ in 0..<random.draw(1...2) {
        let burst = random.draw(1...(world.users[user].perMinute == nil ? 25 : 12))
        let gap = random.chance(50) ? 0 : random.draw(0...80) * millisecond
        let lane = random.chance(80) ? nil : lanes[random.draw(0...lanes.count - 1)]
        let length = random.draw(1...(random.chance(10) ? 2000 : 150)) * millisecond
        world.add(
          burst, of: user, from: random.draw(0...2000) * millisecond, every: gap, length: length, in: lane)
      }
    }
    if random.chance(34) { world.breakSomething(&random) }
    if random.chance(50) { world.cancelSome(&random) }
    return world
  }

  private mutating func cancelSome(_ random: inout SplitMix64) {
    let share = random.draw(1...60)
    for job in jobs.indices where random.chance(share) {
      cancels.append((at: jobs[job].arrival + random.draw(0...4000) * Self.millisecond, job: job))
    }
  }

  private mutating func breakSomething(_ random: inout SplitMix64) {
    for _ in 0..<random.draw(0...3) {
      faults.append(
        (
          at: random.draw(1...4000) * Self.millisecond, worker: random.draw(0...slots.count - 1),
          random.chance(50) ? .crash : .disconnect
        ))
    }
    doubles = random.draw(0...3)
    lateCommits = random.draw(0...3)
  }
}
