import Contracts
import Work

// What follows a verdict, as `Settler` does it.

extension Simulation {
  /// The end of a run: written down first, then announced, then acked.
  func settle(_ arrival: Arrival, _ worker: Worker) {
    let user = world.jobs[arrival.job].user
    let delivery = worker.held[arrival.lease]?.delivery ?? arrival.delivery
    redis("finish", of: worker.id) { rooms, now in
      rooms.finish(arrival.job, of: user, lease: arrival.lease, at: now)
    } then: { simulation, ending in
      simulation.note("worker \(worker.id) \(arrival.job) \(ending)")
      worker.release(arrival.lease)
      if case .finished(let next) = ending {
        if let next {
          worker.desk.heard(of: next)
          worker.turns.due[next] = max(1, worker.turns.due[next] ?? 0)
        }
        simulation.passWaves(worker)
      }
      simulation.ack(delivery, after: 2000)
    }
  }

  /// The end of a run that may not be attempted any more.
  func close(_ arrival: Arrival, _ worker: Worker) {
    let user = world.jobs[arrival.job].user
    redis("finish", of: worker.id) { rooms, now in
      rooms.finish(arrival.job, of: user, lease: nil, at: now)
    } then: { simulation, ending in
      if case .running(let milliseconds) = ending {
        simulation.handBack(arrival, after: milliseconds, worker)
      } else {
        simulation.ack(arrival.delivery, after: 2000)
      }
    }
  }

  /// A copy goes to the ladder, then the original is acked.
  func handBack(_ arrival: Arrival, after milliseconds: Int, _ worker: Worker) {
    let seconds = Topology.rungs.first { $0 * 1000 >= milliseconds } ?? Topology.rungs[Topology.rungs.count - 1]
    var message = arrival.delivery.message
    message.trips += 1
    message.isRedelivered = false
    let copies = random.chance(world.doubles) ? 2 : 1
    onLadder += copies
    after(latency(500), "on the ladder") { [message] simulation in
      for _ in 0..<copies {
        simulation.after(seconds * SimulatedWorld.second, "off the ladder") { simulation in
          simulation.onLadder -= 1
          simulation.broker.publish(message, to: arrival.lane)
          simulation.dispatch()
        }
      }
    }
    after(latency(1000) + 1000 * world.jitter, "handed back", worker: worker.id) { $0.ack(arrival.delivery, after: 0) }
  }

  func ack(_ delivery: BrokerModel.Delivery, after delay: Int) {
    after(delay + latency(250), "ack") { simulation in
      simulation.broker.ack(delivery)
      simulation.dispatch()
    }
  }
}
