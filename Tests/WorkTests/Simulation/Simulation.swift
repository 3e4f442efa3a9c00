import Contracts
import TestKit
import Work

/// Plays a world from its first arrival until everything is quiet again: discrete events in virtual time
/// (microseconds), no clock, no I/O, the same for the same seed. Workers go as `Worker` does, Redis is `RoomsModel`,
/// the broker is `BrokerModel`. One thread.
final class Simulation {
  typealias Act = (Simulation) -> Void

  let world: SimulatedWorld
  var random: SplitMix64
  var rooms: RoomsModel
  var broker: BrokerModel
  /// By their id; dead ones are gone.
  var workers: [Int: SimulatedWorker] = [:]
  var audit: Audit
  private(set) var now = 0
  private var agenda = Agenda()
  private var lastWorker = 0
  private var lastConnection = 0
  /// The last steps, for whoever has to understand a failure.
  private var trail: [String] = []
  /// On its way back to a lane.
  var onLadder = 0

  init(_ world: SimulatedWorld, seed: UInt64) {
    self.world = world
    random = SplitMix64(seed: ~seed)
    rooms = RoomsModel(users: world.users.count, pool: world.bays)
    broker = BrokerModel(returnsInFront: world.returnsInFront)
    audit = Audit(world)
  }

  // Time.

  /// - Parameter worker: only if this process still lives then.
  func after(_ delay: Int, _ name: StaticString, worker: Int? = nil, _ act: @escaping Act) {
    agenda.add(at: now + delay, name, worker, act)
  }

  /// A message's way: at least so long.
  func latency(_ least: Int) -> Int { world.jitter == 1 ? least : random.draw(least...least * world.jitter) }

  /// A round trip to Redis. The script runs even if whoever asked is gone by then.
  func redis<Reply>(
    _ name: StaticString, of worker: Int, delay: Int = 0, _ script: @escaping (inout RoomsModel, Int) -> Reply,
    then: @escaping (Simulation, Reply) -> Void
  ) {
    after(delay + latency(250), name) { simulation in
      let reply = script(&simulation.rooms, simulation.now)
      simulation.audit.check(simulation.rooms, at: simulation.now)
      simulation.after(simulation.latency(250), "reply", worker: worker) { then($0, reply) }
    }
  }

  /// Runs until the given time at most. Answers what is wrong, nil when nothing is.
  func run(until end: Int = 7200 * SimulatedWorld.second) -> Failure? {
    begin()
    while let event = agenda.next() {
      now = event.time
      if now > end { return failure("it never becomes quiet") }
      if let worker = event.worker, workers[worker] == nil { continue }
      note(event)
      event.act(self)
      if let fault = audit.fault { return failure(fault) }
      if isQuiet { break }
    }
    return audit.closing(of: self).map(failure)
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private func failure(_ text: String) -> Failure {
    Failure(description: "\(text) at \(now / 1000) ms\n" + trail.suffix(traceLength).joined(separator: "\n"))
  }

  private func note(_ event: Agenda.Event) {
    guard traceLength > 0 else { return }
    trail.append("\(now) us \(event.name) \(event.worker.map { "worker \($0)" } ?? "")")
    if trail.count > 4 * traceLength { trail.removeFirst(3 * traceLength) }
  }

  func note(_ text: @autoclosure () -> String) { if traceLength > 0 { trail.append("  " + text()) } }

  /// Steps that a failure shows. 0 by default, because it costs time; for a seed that is known to fail.
  var traceLength = 0

  /// Every job has ended, and leases, bays and claims had the time to be given back.
  private var isQuiet: Bool {
    let rest = (world.isCalm ? 90 : 200) * SimulatedWorld.second
    return audit.isDone && now > audit.doneAt + rest && onLadder == 0 && broker.isIdle
  }

  // The beginning.

  private func begin() {
    for (place, slots) in world.slots.enumerated() { startWorker(place, slots) }
    for (index, job) in world.jobs.enumerated() {
      after(job.arrival, "publish") { simulation in
        simulation.broker.publish(.init(job: index), to: job.lane)
        simulation.dispatch()
      }
    }
    for cancel in world.cancels { after(cancel.at, "cancel") { $0.cancel(cancel.job) } }
    for fault in world.faults {
      after(fault.at, "fault") { simulation in
        guard let worker = simulation.workers.values.first(where: { $0.place == fault.worker }) else { return }
        switch fault.2 {
        case .crash: simulation.crash(worker)
        case .disconnect: simulation.disconnect(worker)
        }
      }
    }
  }

  /// By somebody who may die before ending what nobody runs.
  private func cancel(_ job: Int) {
    let found = rooms.cancel(job)
    audit.cancelled(job)
    note("cancel \(job): \(found)")
    switch found {
    case .ended: break
    case .stopping: after(random.draw(1...1000) * 1000, "stop") { $0.stop(job) }
    case .yours:
      guard random.chance(75) else { return }
      after(latency(500), "cancelled") { simulation in
        let user = simulation.world.jobs[job].user
        _ = simulation.rooms.finish(job, of: user, lease: nil, at: simulation.now)
        simulation.audit.check(simulation.rooms, at: simulation.now)
      }
    }
  }

  private func stop(_ job: Int) {
    for worker in workers.values {
      if let lease = worker.leaseOfJob[job], let run = worker.held[lease] { endRun(run.arrival, worker) }
    }
  }

  func startWorker(_ place: Int, _ slots: Int) {
    lastWorker += 1
    lastConnection += 1
    let id = lastWorker
    let worker = SimulatedWorker(id: id, place: place, slots: slots, connection: lastConnection)
    workers[id] = worker
    broker.connect(lastConnection, prefetch: slots + world.line)
    dispatch()
    after(random.draw(1...50_000), "look", worker: id) { $0.look(worker) }
    after(random.draw(1...1_000_000), "tick", worker: id) { $0.tick(worker) }
    after(10_000_000, "renew", worker: id) { $0.renew(worker) }
  }

  private func crash(_ worker: SimulatedWorker) {
    note("worker \(worker.id) is killed")
    audit.interrupted(worker, rooms)
    workers[worker.id] = nil
    broker.disconnect(worker.connection)
    dispatch()
    after(random.draw(100...5000) * 1000, "restart") { $0.startWorker(worker.place, worker.slots) }
  }

  private func disconnect(_ worker: SimulatedWorker) {
    note("worker \(worker.id) loses its connection")
    broker.disconnect(worker.connection)
    lastConnection += 1
    let connection = lastConnection
    worker.connection = connection
    dispatch()
    after(random.draw(1...500) * 1000, "reconnect", worker: worker.id) { simulation in
      guard worker.connection == connection else { return }
      simulation.broker.connect(connection, prefetch: worker.slots + simulation.world.line)
      simulation.dispatch()
    }
  }

  /// Whatever consumers can take goes on its way.
  func dispatch() {
    for delivery in broker.dispatch() {
      guard let worker = workers.values.first(where: { $0.isCurrent(delivery) }) else { continue }
      after(latency(500), "deliver", worker: worker.id) { $0.receive(delivery, at: worker) }
    }
  }
}
