import AMQP
import Confinement
package import Contracts
import Logging
import Synchronization

/// What comes in: the lanes a worker serves and the intake queue, over one connection that is kept alive, and the heads
/// of bays that are asked for. One channel a queue, so that a lane's trouble is its own.
package final class LaneIntake: Sendable {
  private let topology: Topology
  private let lanes: [Lane?]
  private let consumer: AMQPConsumer
  private let inbox = Mailbox<AMQPDelivery>()
  private let serial = Mutex<UInt64>(0)
  private let connections = ConnectionCount()
  private let budget = ByteBudget(limit: 64 << 20)
  private let pauses = Mutex<Set<Pause>>([])

  /// Why nothing is taken.
  private enum Pause { case wish, memory }

  /// - Parameter prefetch: unsettled deliveries per lane; bounds what this process holds in memory.
  init(topology: Topology, lanes: [Lane], prefetch: Int, configuration: AMQPConfiguration, logger: Logger) {
    self.topology = topology
    self.lanes = lanes.map { Optional($0) } + [nil]
    let queues = self.lanes.map { $0.map { topology.queue(of: $0) } ?? topology.intake }
    let connections = connections
    consumer = AMQPConsumer(
      configuration: configuration,
      subscriptions: queues.map { queue in
        AMQPSubscription(queue: queue, prefetch: queue == topology.intake ? min(prefetch, 16) : prefetch)
      }, inbox: inbox,
      logger: logger,
      events: { if case .connected = $0 { connections.count() } })
  }

  /// Keeps the connection until cancelled.
  package func run() async { await consumer.run() }

  /// Waits for deliveries and returns all that are there; empty when the intake ended.
  package func next() async -> [Delivery] {
    let messages = await inbox.take()
    let first = serials(messages.count)
    let deliveries = messages.enumerated().map { index, message in
      Delivery(
        message, lane: lanes[message.subscription], serial: first + UInt64(index), topology: topology,
        budget: budget)
    }
    if budget.isExceeded { await pause(for: .memory) }
    return deliveries
  }

  /// Takes the first message of each bay, one result for each place, in order; a bay named several times gives several.
  /// A pause does not hold this up. Heads are settled as deliveries are, and as few of a bay may be unsettled as
  /// `AMQPConsumer.get` says. Without a connection everything fails at once.
  /// - Parameter bays: with the lane that each serves, which becomes the head's lane.
  package func heads(of bays: [(bay: Int, lane: Lane)]) async -> [HeadResult] {
    let results = await consumer.get(bays.map { topology.bay($0.bay) })
    let first = serials(results.count)
    let heads = results.enumerated().map { index, result -> HeadResult in
      switch result {
      case .message(let message, let remaining):
        let head = Delivery(
          message, lane: bays[index].lane, bay: bays[index].bay, serial: first + UInt64(index), topology: topology,
          budget: budget)
        return .head(head, remaining: remaining)
      case .empty: return .empty
      // A bay that somebody deleted holds nothing.
      case .failed(let error) where error.code == .notFound: return .empty
      case .failed(let error): return .failed("\(error)")
      }
    }
    if budget.isExceeded { await pause(for: .memory) }
    return heads
  }

  /// The first of as many numbers for deliveries.
  private func serials(_ count: Int) -> UInt64 {
    serial.withLock { serial in
      defer { serial += UInt64(count) }
      return serial
    }
  }

  package func ack(_ deliveries: [Delivery]) async {
    await consumer.settle(deliveries.map { AMQPSettlement($0.message.address, .ack) })
  }

  /// Takes more again if a pause for memory has done its work. To be called now and then.
  package func relieve() async {
    if budget.isRelaxed { await resume(from: .memory) }
  }

  /// Gives deliveries back untouched, for other workers. Only for those this worker will not run: the broker counts it
  /// as a return.
  package func putBack(_ deliveries: [Delivery]) async {
    await consumer.settle(deliveries.map { AMQPSettlement($0.message.address, .requeue) })
  }

  /// No further deliveries come; those that came stay.
  package func pause() async { await pause(for: .wish) }

  /// For good, and without waiting for the broker's word; a few more deliveries may come.
  package func stop() async { await consumer.cease() }

  package func resume() async { await resume(from: .wish) }

  private func pause(for reason: Pause) async {
    let isFirst = pauses.withLock { pauses in
      defer { pauses.insert(reason) }
      return pauses.isEmpty
    }
    if isFirst { await consumer.pause() }
  }

  private func resume(from reason: Pause) async {
    let wasLast = pauses.withLock { pauses in
      pauses.remove(reason) != nil && pauses.isEmpty
    }
    if wasLast { await consumer.resume() }
  }

  /// Connections made after the first, since the start.
  package var reconnects: Int { max(0, connections.total - 1) }

  package var isConnected: Bool { consumer.state.isConnected }

  /// Changes when a connection or a channel is lost or made: then deliveries may no longer be current.
  package var generations: [UInt64] { consumer.state.generations }

  /// Whether the delivery can still be settled. One whose connection ended comes again by itself.
  package func isCurrent(_ delivery: Delivery) -> Bool { consumer.isCurrent(delivery.message.address) }
}

/// Shared with the consumer's thread.
private final class ConnectionCount: Sendable {
  private let made = Atomic<Int>(0)

  var total: Int { made.load(ordering: .relaxed) }

  func count() { made.add(1, ordering: .relaxed) }
}
