import Contracts
import Work

// A worker and the waiting rooms, as `Worker+Rooms` and `Parker` go about them.

extension Simulation {
  /// Looking is a round trip too; taken as none, because there are so many of them.
  func look(_ worker: Worker) {
    worker.dropLost()
    for arrival in worker.postponed.reversed() { worker.lines[arrival.lane, default: []].insert(arrival, at: 0) }
    worker.postponed = []
    let looked = rooms.claim([:], worker: worker.id, first: worker.nextClaim, at: now)
    worker.nextDue = looked.next
    worker.desk.learned(due: looked.due)
    worker.turns.due = looked.due
    audit.sample(self)
    let hasWork = looked.due.values.contains { $0 > 0 } || worker.lines.values.contains { !$0.isEmpty }
    if hasWork, worker.busy < worker.slots { passWaves(worker) }
    let longest = audit.isDone ? 1000 : 50
    after(max(1, min(worker.nextDue ?? longest, longest)) * 1000, "look", worker: worker.id) { $0.look(worker) }
  }

  func claim(_ wishes: [Lane: Int], _ worker: Worker, then: @escaping (Simulation) -> Void) {
    let first = worker.nextClaim
    worker.nextClaim += wishes.values.reduce(0, +)
    redis("claim", of: worker.id) { rooms, now in
      rooms.claim(wishes, worker: worker.id, first: first, at: now)
    } then: { simulation, look in
      simulation.claimed(look, of: wishes, worker)
      then(simulation)
    }
  }

  private func claimed(_ look: RoomsModel.Look, of wishes: [Lane: Int], _ worker: Worker) {
    worker.nextDue = look.next
    var granted: [Lane: Int] = [:]
    for claim in look.claims { granted[claim.key.lane, default: 0] += 1 }
    worker.desk.claimed(granted, of: wishes, due: look.due)
    worker.turns.due = look.due
    for (lane, wish) in wishes where (granted[lane] ?? 0) < wish { worker.turns.due[lane] = 0 }
    worker.busy += look.claims.count
    for claim in look.claims {
      note("worker \(worker.id) claims \(claim.key) bay \(claim.bay) deck \(claim.deck != nil)")
      guard let lease = claim.deck else {
        worker.fetches.append(claim)
        continue
      }
      if let (arrival, _) = worker.deck.removeValue(forKey: lease) {
        var head = arrival
        head.claim = claim
        worker.heads.append(head)
      } else {
        worker.busy -= 1
        redis("leave", of: worker.id) { rooms, now in
          rooms.leave(claim, deck: lease, at: now)
        } then: { _, _ in
        }
      }
    }
    fetchHeads(worker)
  }

  private func fetchHeads(_ worker: Worker) {
    guard !worker.isFetching, !worker.fetches.isEmpty else { return }
    worker.isFetching = true
    let claims = worker.fetches
    worker.fetches = []
    after(latency(500), "get", worker: worker.id) { simulation in
      let got = claims.map {
        simulation.broker.get($0.bay, serving: $0.key.lane, for: worker.connection)
      }
      simulation.after(simulation.latency(500), "got", worker: worker.id) { $0.got(got, for: claims, worker) }
    }
  }

  private func got(_ got: [BrokerModel.Got], for claims: [RoomsModel.Claim], _ worker: Worker) {
    var arrived: [Arrival] = []
    var empty: [RoomsModel.Claim] = []
    for (claim, result) in zip(claims, got) {
      switch result {
      case .head(let delivery, let remaining):
        var claim = claim
        claim.remaining = remaining
        arrived.append(worker.arrival(of: delivery, at: now, claim: claim))
      case .empty: empty.append(claim)
      case .failed: break
      }
    }
    let accept = { (simulation: Simulation) in
      worker.busy -= claims.count - arrived.count
      for head in arrived {
        if worker.adopt(head) { worker.busy -= 1 } else { worker.heads.append(head) }
      }
      simulation.passWaves(worker)
      worker.isFetching = false
      simulation.fetchHeads(worker)
    }
    guard !empty.isEmpty else { return accept(self) }
    redis("vacant", of: worker.id) { [empty] rooms, now in
      for claim in empty { rooms.vacant(claim, at: now) }
    } then: { simulation, _ in
      accept(simulation)
    }
  }

  // Parking, one batch at a time: declare new bays, publish the copies, commit, ack the originals.

  func park(_ parking: SimulatedWorker.Parking, _ worker: Worker) {
    worker.parkings.append(parking)
    parkNext(worker)
  }

  private func parkNext(_ worker: Worker) {
    guard !worker.isParking, !worker.parkings.isEmpty else { return }
    worker.isParking = true
    let batch = worker.parkings
    worker.parkings = []
    let unopened = Set(batch.filter { worker.openBays[$0.bay] != $0.generation }.map(\.bay))
    after(latency(10_000) * unopened.count, "declared", worker: worker.id) { simulation in
      for parking in batch { simulation.open(parking, worker) }
      simulation.publishCopies(batch, worker)
    }
  }

  /// Messages of somebody in a bay that was just leased go to a lane.
  private func open(_ parking: SimulatedWorker.Parking, _ worker: Worker) {
    guard worker.openBays[parking.bay] != parking.generation else { return }
    worker.openBays[parking.bay] = parking.generation
    broker.declare(parking.bay)
    if parking.isNew { broker.drain(parking.bay, to: parking.arrival.lane) }
    dispatch()
  }

  private func publishCopies(_ batch: [SimulatedWorker.Parking], _ worker: Worker) {
    for parking in batch {
      var message = parking.arrival.delivery.message
      message.copy = parking.copy
      message.isRedelivered = false
      let copies = random.chance(world.doubles) ? 2 : 1
      // A message that is on its way arrives, whatever becomes of its sender.
      after(latency(500), "copy arrives") { [message] simulation in
        for _ in 0..<copies { simulation.broker.publish(message, toBay: parking.bay) }
      }
    }
    let late = random.chance(world.lateCommits) ? random.draw(1...70) * SimulatedWorld.second : 0
    let jobs = world.jobs
    after(latency(500) + 500 * world.jitter, "confirmed", worker: worker.id) { simulation in
      simulation.redis("commit", of: worker.id, delay: late) { rooms, now in
        batch.map { parking in
          rooms.commit(
            parking.arrival.job, .init(lane: parking.arrival.lane, user: jobs[parking.arrival.job].user),
            bay: parking.bay, generation: parking.generation, copy: parking.copy, at: now)
        }
      } then: { simulation, areParked in
        for (parking, isParked) in zip(batch, areParked) {
          if isParked {
            simulation.ack(parking.arrival.delivery, after: 0)
          } else {
            simulation.handBack(parking.arrival, after: 1000, worker)
          }
        }
        worker.isParking = false
        simulation.parkNext(worker)
      }
    }
  }
}
