import Contracts

/// Watches a simulation from outside: what ran when, and what must hold. Knows the world, not why things were decided.
struct Audit {
  private struct Record {
    var starts = 0
    /// Runs that a crash took before their end was written.
    var interruptions = 0
    var firstStart = 0
    var isExecuting = false
    var isCancelled = false
  }

  private let world: SimulatedWorld
  private var records: [Record]
  private var running: [Int]
  private(set) var isDone = false
  private(set) var doneAt = 0
  /// By user: since when it could start a waiting job and has not.
  private var idleSince: [Int: (time: Int, hasDeck: Bool)] = [:]
  /// What is wrong; the first finding stays.
  var fault: String? { didSet { if oldValue != nil { fault = oldValue } } }
  /// The longest that a slot of a user with waiting jobs stayed unused while the fleet had a free one, µs.
  private(set) var longestIdle = 0

  init(_ world: SimulatedWorld) {
    self.world = world
    records = Array(repeating: Record(), count: world.jobs.count)
    running = Array(repeating: 0, count: world.users.count)
  }

  func wait(of job: Int) -> Int { records[job].firstStart - world.jobs[job].arrival }
  func start(of job: Int) -> Int? { records[job].starts > 0 ? records[job].firstStart : nil }

  mutating func started(_ job: Int, at now: Int) {
    let user = world.jobs[job].user
    if records[job].starts == 0 { records[job].firstStart = now }
    records[job].starts += 1
    records[job].isExecuting = true
    running[user] += 1
    idleSince[user] = nil
    if running[user] > world.users[user].limit { fault = "I4: user \(user) runs \(running[user])" }
    if records[job].starts > 1 + records[job].interruptions { fault = "I1: job \(job) runs again without a crash" }
  }

  mutating func cancelled(_ job: Int) { records[job].isCancelled = true }

  mutating func stopped(_ job: Int) {
    records[job].isExecuting = false
    running[world.jobs[job].user] -= 1
  }

  /// A worker died: what it ran is over, and what it had not written down may run again.
  mutating func interrupted(_ worker: SimulatedWorker, _ rooms: RoomsModel) {
    for run in worker.held.values {
      if rooms.jobs[run.job]?.state != .done { records[run.job].interruptions += 1 }
      if run.isExecuting { stopped(run.job) }
    }
  }

  /// After every script.
  mutating func check(_ rooms: RoomsModel, at now: Int) {
    for (user, state) in rooms.users.enumerated() {
      let active = state.leases.values.count { $0 > now / 1000 }
      if active > world.users[user].limit { fault = "I4: user \(user) holds \(active) leases and claims" }
    }
    for (key, room) in rooms.rooms where room.bay != nil && rooms.due[key.lane.rank][key.user] == nil {
      fault = "rule 4: \(key) has a bay and left the index"
    }
    guard !isDone, rooms.ended == world.jobs.count else { return }
    isDone = true
    doneAt = now
  }

  /// Now and then: whether a user's slot lies idle that its waiting jobs could use.
  mutating func sample(_ simulation: Simulation) {
    let now = simulation.now
    let hasFreeSlot = simulation.workers.values.contains {
      $0.busy < $0.slots && simulation.broker.isConnected($0.connection)
    }
    var idle: [Int: Bool] = [:]
    for (key, room) in simulation.rooms.rooms where hasFreeSlot && room.gate <= now / 1000 {
      guard let bay = room.bay, simulation.broker.count(in: bay) > 0 else { continue }
      let active = simulation.rooms.users[key.user].leases.values.count { $0 > now / 1000 }
      guard active < world.users[key.user].limit else { continue }
      idle[key.user] = (idle[key.user] ?? false) || room.deck != nil
    }
    for user in world.users.indices {
      guard let hasDeck = idle[user] else {
        idleSince[user] = nil
        continue
      }
      var since = now
      if let known = idleSince[user], known.hasDeck == hasDeck { since = known.time }
      idleSince[user] = (since, hasDeck)
      if !hasDeck { longestIdle = max(longestIdle, now - since) }
      guard now - since > longestAllowed(user, hasDeck: hasDeck) else { continue }
      fault = "user \(user) waits beside free slots since \(since / 1000) ms"
    }
  }

  /// A look for each message of a cancelled job that has to be taken out of the way. A look, the ways of claim, get and admission, and one look more, because idleness is noticed at looks only. A
  /// worker whose slots are full gives up a head on deck within a second. After a crash a lease, a deck or an
  /// uncommitted copy may have to run out first.
  private func longestAllowed(_ user: Int, hasDeck: Bool) -> Int {
    let cancelled = world.cancels.count { world.jobs[$0.job].user == user }
    let calm = (hasDeck ? 1000 : 0) + 110 + (10 + cancelled) * world.jitter + 50 * cancelled
    let milliseconds = world.isCalm ? calm : 75_000
    return milliseconds * SimulatedWorld.millisecond
  }

  /// When everything has been quiet for long.
  func closing(of simulation: Simulation) -> String? {
    let (rooms, broker, now) = (simulation.rooms, simulation.broker, simulation.now / 1000)
    if !isDone { return "I1: \(world.jobs.count - rooms.ended) jobs never ended" }
    if !broker.isIdle || simulation.onLadder > 0 { return "I1: messages are left" }
    // Copies whose sender died before it could say that they are the job lie there until the bay's next user.
    if world.isCalm, !broker.jobsInBays.isEmpty { return "I1: messages are left in a bay" }
    if rooms.users.contains(where: { $0.leases.values.contains { $0 > now } }) { return "I5: a lease is left" }
    if rooms.rooms.values.contains(where: { $0.bay != nil }) { return "I5: a bay is still leased" }
    if rooms.free.count != rooms.bays.count { return "I5: a bay is lost" }
    if rooms.due.contains(where: { !$0.isEmpty }) { return "I5: the index still names somebody" }
    if rooms.users.contains(where: { !$0.rooms.isEmpty }) { return "I5: a user still has a room" }
    if rooms.waiting != 0 { return "I5: \(rooms.waiting) jobs are counted as waiting" }
    for worker in simulation.workers.values {
      if worker.busy != 0 { return "I5: \(worker.busy) slots of a worker are lost" }
      guard worker.held.isEmpty, worker.heads.isEmpty, worker.deck.isEmpty else {
        return "I5: a worker still holds something"
      }
    }
    if let job = records.firstIndex(where: { $0.starts == 0 && !$0.isCancelled }) { return "I1: job \(job) never ran" }
    let visits = broker.deliveries + broker.heads
    if world.isCalm, world.jobs.count >= 20, visits > 4 * world.jobs.count {
      return "I11: \(visits) deliveries and heads for \(world.jobs.count) jobs"
    }
    return nil
  }
}
