import Contracts
import Work

// A worker filling its slots, as `Worker+Waves` and `Pipeline` do.

extension Simulation {
  typealias Worker = SimulatedWorker
  typealias Arrival = SimulatedWorker.Arrival

  /// As `Pipeline.mostTries`.
  static let mostTries = 4
  static let shares = [Lane.high: 2, .standard: 2, .low: 1]

  func receive(_ delivery: BrokerModel.Delivery, at worker: Worker) {
    guard worker.isCurrent(delivery) else { return }
    let arrival = worker.arrival(of: delivery, at: now)
    guard !worker.adopt(arrival) else { return }
    worker.lines[arrival.lane, default: []].append(arrival)
    passWaves(worker)
  }

  func passWaves(_ worker: Worker) {
    guard !worker.isPassing else {
      worker.mustPassAgain = true
      return
    }
    worker.isPassing = true
    worker.mustPassAgain = false
    passWave(worker)
  }

  private func passWave(_ worker: Worker) {
    worker.dropLost()
    var wave = worker.heads
    worker.heads = []
    var wishes: [Lane: Int] = [:]
    var lines = worker.lines.mapValues(\.count)
    for source in worker.desk.grant(worker.slots - worker.busy, lines: lines) {
      if !worker.turns.granted(source, lines: &lines, shares: Self.shares) {
        audit.fault = "a slot went to \(source) before its turn"
      }
      switch source {
      case .line(let lane):
        guard let arrival = worker.lines[lane]?.removeFirst() else { continue }
        wave.append(arrival)
        worker.busy += 1
      case .room(let lane): wishes[lane, default: 0] += 1
      }
    }
    if !wishes.isEmpty {
      claim(wishes, worker) { $0.ask(wave, worker) }
    } else if !wave.isEmpty {
      ask(wave, worker)
    } else {
      worker.isPassing = false
      if worker.mustPassAgain { passWaves(worker) }
    }
  }

  private func ask(_ wave: [Arrival], _ worker: Worker) {
    guard !wave.isEmpty else { return passWave(worker) }
    let world = world
    redis("admit", of: worker.id) { rooms, now in
      wave.map { arrival in
        let job = world.jobs[arrival.job]
        return rooms.admit(
          .init(
            job: arrival.job, key: .init(lane: arrival.lane, user: job.user), user: world.users[job.user],
            lease: arrival.lease, copy: arrival.delivery.message.copy, claim: arrival.claim), at: now)
      }
    } then: {
      $0.judge(wave, $1, worker)
    }
  }

  private func judge(_ wave: [Arrival], _ answers: [RoomsModel.Answer], _ worker: Worker) {
    var orphans: [(Arrival, attempt: Int)] = []
    for (arrival, answer) in zip(wave, answers) {
      note("worker \(worker.id) \(arrival.job) \(answer)")
      if case .admitted = answer {
        start(arrival, worker)
        continue
      }
      worker.busy -= 1
      worker.desk.giveBack(arrival.lane, ofLine: arrival.claim == nil)
      worker.turns.gaveBack(arrival.lane)
      switch answer {
      case .admitted: break
      case .wait(.deck, _): worker.deck[arrival.lease] = (arrival, now)
      case .wait(.soon, _) where arrival.delivery.source.bay == nil && arrival.tries < Self.mostTries:
        var again = arrival
        again.tries += 1
        worker.postponed.append(again)
      case .wait(.ladder, let expected), .wait(.soon, let expected):
        handBack(arrival, after: max(expected, 1000 << min(arrival.delivery.message.trips, 6)), worker)
      case .wait(.bay(let bay, let generation, let copy, let isNew), _):
        park(.init(arrival: arrival, bay: bay, generation: generation, copy: copy, isNew: isNew), worker)
      case .running(let milliseconds): handBack(arrival, after: milliseconds, worker)
      case .stale, .finished: ack(arrival.delivery, after: 1000)
      case .exhausted, .cancelled: close(arrival, worker)
      case .orphan(let attempt): orphans.append((arrival, attempt))
      }
    }
    guard !orphans.isEmpty else { return passWave(worker) }
    redis("declare unknown", of: worker.id) { [world] rooms, now in
      for (arrival, attempt) in orphans {
        rooms.declareUnknown(arrival.job, of: world.jobs[arrival.job].user, attempt: attempt, at: now)
      }
    } then: { simulation, _ in
      for (arrival, _) in orphans { worker.lines[arrival.lane, default: []].insert(arrival.unclaimed, at: 0) }
      simulation.passWave(worker)
    }
  }

  private func start(_ arrival: Arrival, _ worker: Worker) {
    let job = world.jobs[arrival.job]
    worker.held[arrival.lease] = .init(arrival: arrival, delivery: arrival.delivery)
    worker.leaseOfJob[arrival.job] = arrival.lease
    audit.started(arrival.job, at: now)
    after(job.length, "run ends", worker: worker.id) { $0.endRun(arrival, worker) }
  }

  /// Also before its time, when it is cancelled.
  func endRun(_ arrival: Arrival, _ worker: Worker) {
    guard worker.held[arrival.lease]?.isExecuting == true else { return }
    worker.busy -= 1
    worker.held[arrival.lease]?.isExecuting = false
    audit.stopped(arrival.job)
    settle(arrival, worker)
    passWaves(worker)
  }

  // What happens by the clock.

  func tick(_ worker: Worker) {
    putBackIdle(worker)
    relieveDeck(worker)
    passWaves(worker)
    after(SimulatedWorld.second, "tick", worker: worker.id) { $0.tick(worker) }
  }

  func renew(_ worker: Worker) {
    after(10 * SimulatedWorld.second, "renew", worker: worker.id) { $0.renew(worker) }
    let held = worker.held
    guard !held.isEmpty else { return }
    redis("renew", of: worker.id) { [world] rooms, now in
      for (lease, run) in held { rooms.renew(run.job, of: world.jobs[run.job].user, lease: lease, at: now) }
    } then: { _, _ in
    }
  }

  private func putBackIdle(_ worker: Worker) {
    guard worker.busy >= worker.slots else { return }
    let limit = now - 10 * SimulatedWorld.second
    for lane in Lane.allCases {
      worker.lines[lane]?.removeAll { arrival in
        let goes =
          arrival.since < limit && !arrival.delivery.message.isRedelivered && arrival.delivery.source.bay == nil
        if goes { broker.requeue(arrival.delivery) }
        return goes
      }
    }
    dispatch()
  }

  private func relieveDeck(_ worker: Worker) {
    let isFull = worker.busy >= worker.slots
    let leaving = worker.deck.filter { isFull || $0.value.since < now - 55 * SimulatedWorld.second }
    guard !leaving.isEmpty else { return }
    var claims: [(RoomsModel.Claim, RoomsModel.LeaseID)] = []
    for (lease, head) in leaving.sorted(by: { $0.key.number < $1.key.number }) {
      worker.deck[lease] = nil
      handBack(head.arrival, after: 1000, worker)
      guard var claim = head.arrival.claim else { continue }
      claim.remaining = nil
      claims.append((claim, lease))
    }
    redis("leave", of: worker.id) { [claims] rooms, now in
      for (claim, lease) in claims { rooms.leave(claim, deck: lease, at: now) }
    } then: { _, _ in
    }
  }
}
