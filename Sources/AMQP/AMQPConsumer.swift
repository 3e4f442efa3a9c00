package import Confinement
package import Logging
import Synchronization

/// What happened to a consumer, for those who count or pause. Told on the consumer's thread: do not block.
package enum AMQPConsumerEvent: Sendable {
  case connected
  case disconnected(AMQPError)
  /// The broker ended this subscription only; it is tried again with backoff.
  case subscriptionLost(queue: String, AMQPError)
  case subscriptionResumed(queue: String)
}

/// Consumes from several queues over one connection on one thread, a channel each, and puts deliveries into `inbox`,
/// all of a turn at once. Deliveries are settled in batches with `settle`.
///
/// `run` keeps it connected. A broker that cancels a consumer or closes a channel costs only that subscription a pause;
/// a lost connection costs all of them. Then what was unsettled will be delivered again, and settlements of the old
/// deliveries are dropped and counted: they would hit another delivery, or close the channel.
package actor AMQPConsumer {
  package struct State: Sendable, Hashable {
    package var isConnected = false
    /// Subscriptions that are being delivered to.
    package var consuming = 0
    /// Deliveries that wait for their settlement.
    package var unsettled = 0
    /// Settlements dropped since the start: of a lost channel, or repeated.
    package var stale = 0
    /// Deliveries discarded since the start because they cannot even be decoded.
    package var undecodable = 0
    /// Of each subscription's channel; 0 while it is closed.
    package var generations: [UInt64] = []
  }

  private let executor: ThreadExecutor
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let inbox: Mailbox<AMQPDelivery>
  private let events: @Sendable (AMQPConsumerEvent) -> Void
  private let logger: Logger
  private let stop: StopSign
  private let keeper: AMQPKeeper
  private let published = Mutex(State())

  private var channels: [ConsumerChannel]
  private var lastGeneration: UInt64 = 0
  private var wanted = true
  private var now = ContinuousClock.now
  /// Of this turn.
  private var arrived: [AMQPDelivery] = []
  private var stale = 0
  private var undecodable = 0
  /// Waiting in `pause`.
  private var quietWaiters: [CheckedContinuation<Void, Never>] = []

  package init(
    configuration: AMQPConfiguration, subscriptions: [AMQPSubscription], inbox: Mailbox<AMQPDelivery>, logger: Logger,
    events: @escaping @Sendable (AMQPConsumerEvent) -> Void = { _ in }
  ) {
    executor = ThreadExecutor(name: "amqp-consume")
    stop = StopSign(executor: executor)
    keeper = AMQPKeeper(configuration: configuration, logger: logger)
    channels = subscriptions.enumerated().map { index, subscription in
      ConsumerChannel(subscription, index: index, maxBodyBytes: configuration.maxBodyBytes)
    }
    self.inbox = inbox
    self.logger = logger
    self.events = events
  }

  deinit { executor.stop() }

  /// Figures for gauges, as of the last turn of the thread; callable from any thread.
  package nonisolated var state: State { published.withLock { $0 } }

  /// Whether a delivery can still be settled, as of the last turn; callable from any thread.
  package nonisolated func isCurrent(_ address: AMQPDeliveryAddress) -> Bool {
    published.withLock { state in
      let index = Int(address.channel) - 1
      return state.generations.indices.contains(index) && state.generations[index] == address.generation
    }
  }

  /// Connects and keeps connected until the calling task is cancelled; then closes politely, acks included. Once only.
  package func run() async {
    await withTaskCancellationHandler {
      await keepConnected()
    } onCancel: {
      stop.raise()
    }
  }

  /// A method of its own, because the body of a cancellation handler need not run on the actor.
  private func keepConnected() async {
    executor.takeTurns { [weak self] readiness in
      self?.assumeIsolated { $0.turn(readiness) } ?? ThreadExecutor.Wait()
    }
    await keeper.run(stop: stop) { _ in events(.connected) }
  }

  /// Ends the deliveries. Those already in the inbox stay valid. Nothing is delivered any more once this returns.
  package func pause() async {
    wanted = false
    guard !channels.allSatisfy(\.isQuiet) else { return }
    await withCheckedContinuation { quietWaiters.append($0) }
  }

  /// As `pause`, without waiting: a few more deliveries may come.
  package func cease() { wanted = false }

  package func resume() { wanted = true }

  /// Takes effect with the next turn of the thread, which follows at once.
  package func settle(_ settlements: [AMQPSettlement]) {
    for settlement in settlements {
      let address = settlement.address
      let index = Int(address.channel) - 1
      guard channels.indices.contains(index), address.generation == channels[index].generation,
        channels[index].tags.settle(address.tag, settlement.act)
      else {
        stale += 1
        continue
      }
    }
  }

  // MARK: turns

  private func turn(_ readiness: ThreadExecutor.Readiness) -> ThreadExecutor.Wait {
    now = .now
    defer { publishState() }
    return keeper.turn(
      readiness,
      take: { (channel, frame) throws(AMQPError) in try take(frame, Int(channel) - 1) },
      write: { wire in write(to: wire) },
      lost: { wire, error in lost(wire, error) })
  }

  private func take(_ frame: AMQPFrame, _ index: Int) throws(AMQPError) {
    guard channels.indices.contains(index) else { return }
    switch frame {
    case .delivery(let tag, let redelivered, let exchange, let routingKey):
      try channels[index].delivered(tag: tag, redelivered: redelivered, exchange: exchange, routingKey: routingKey)
    case .header(let bodyBytes, let properties):
      finish(try channels[index].assembler.header(bodyBytes: bodyBytes, properties: properties), index)
    case .body(let bytes):
      finish(try channels[index].assembler.body(bytes), index)
    case .consumeOk:
      channels[index].consumeConfirmed()
      channels[index].outage.ended("consuming from \(channels[index].subscription.queue)", logger)
      events(.subscriptionResumed(queue: channels[index].subscription.queue))
    case .cancelOk: channels[index].cancelConfirmed()
    case .cancelledByBroker:
      channels[index].cancelledByBroker(now: now)
      subscriptionLost(
        index, AMQPError(.closedByBroker, "the broker cancelled the consumer: its queue is gone or moved", .retry))
    case .channelClosed(let error):
      arrived.removeAll { Int($0.address.channel) - 1 == index }
      keeper.wire?.out.channelCloseOk(channels[index].number)
      channels[index].closed(now: now)
      subscriptionLost(index, error)
    default: break
    }
  }

  private func finish(_ content: AMQPContent?, _ index: Int) {
    if let content, let delivery = channels[index].assembled(content) { arrived.append(delivery) }
  }

  private func subscriptionLost(_ index: Int, _ error: AMQPError) {
    let queue = channels[index].subscription.queue
    channels[index].outage.began("consuming from \(queue)", error, logger)
    events(.subscriptionLost(queue: queue, error))
  }

  private func write(to wire: AMQPWire) -> AMQPKeeper.Plan {
    inbox.put(contentsOf: arrived)
    arrived.removeAll(keepingCapacity: true)
    var plan = AMQPKeeper.Plan()
    for index in channels.indices {
      let number = channels[index].number
      for frame in channels[index].tags.takeFrames() { wire.out.settle(frame, channel: number) }
      let due = channels[index].pursue(wanted: wanted && !keeper.isStopping, now: now, to: &wire.out) {
        lastGeneration += 1
        return lastGeneration
      }
      if let due { plan.due = min(plan.due ?? due, due) }
    }
    releaseQuietWaiters()
    return plan
  }

  private func lost(_ wire: AMQPWire, _ error: AMQPError) {
    if error.code == .malformed { discardUndecodable(over: wire) }
    arrived.removeAll()
    for index in channels.indices { channels[index].closed(now: nil) }
    releaseQuietWaiters()
    events(.disconnected(error))
  }

  /// The library cannot get past a header frame it cannot decode, so such a message would end every connection it is
  /// delivered to. The delivery itself was read before; when it comes for the second time it is discarded.
  private func discardUndecodable(over wire: AMQPWire) {
    for channel in channels {
      guard let delivery = channel.halfReceived else { continue }
      let metadata: Logger.Metadata = [
        "queue": "\(channel.subscription.queue)", "redelivered": "\(delivery.redelivered)",
      ]
      guard delivery.redelivered else {
        logger.warning("a delivery that cannot be decoded ended the connection", metadata: metadata)
        continue
      }
      undecodable += 1
      logger.error("discarded a delivery that cannot be decoded", metadata: metadata)
      wire.out.reject(delivery.tag, requeue: false, channel: channel.number)
      wire.abandon()
    }
  }

  private func releaseQuietWaiters() {
    guard !quietWaiters.isEmpty, wanted || channels.allSatisfy(\.isQuiet) else { return }
    for waiter in quietWaiters { waiter.resume() }
    quietWaiters = []
  }

  private func publishState() {
    let state = State(
      isConnected: keeper.wire != nil, consuming: channels.count { $0.isConsuming },
      unsettled: channels.reduce(0) { $0 + $1.tags.count }, stale: stale, undecodable: undecodable,
      generations: channels.map(\.generation))
    published.withLock { $0 = state }
  }
}
