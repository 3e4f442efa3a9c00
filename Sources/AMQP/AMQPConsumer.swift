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
/// all of a turn at once. Single messages are got with `get`, over further channels of the same connection. Both are
/// settled in batches with `settle`.
///
/// `run` keeps it connected. A broker that cancels a consumer or closes a channel costs only that subscription a pause;
/// a lost connection costs all of them. Then what was unsettled will be delivered again, and settlements of the old
/// deliveries are dropped and counted: they would hit another delivery, or close the channel.
package actor AMQPConsumer {
  package struct State: Sendable, Hashable {
    package var isConnected = false
    /// Subscriptions that are being delivered to.
    package var consuming = 0
    /// Deliveries and messages got that wait for their settlement.
    package var unsettled = 0
    /// Settlements dropped since the start: of a lost channel, or repeated.
    package var stale = 0
    /// Deliveries discarded since the start because they cannot even be decoded.
    package var undecodable = 0
    /// Of each subscription's channel, then of those for gets; 0 while it is closed.
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
  private var gets: GetPool
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
    gets = GetPool(firstChannel: UInt16(subscriptions.count + 1), maxBodyBytes: configuration.maxBodyBytes)
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

  /// Asks each queue for its first message; a pause does not hold this up. One result for each place; a queue named
  /// several times gives several messages, in order up to 24. Without a connection everything fails at once, so that
  /// nobody waits for the next one. At most 384 messages of one queue are held unsettled (see `GetChannel`), further gets
  /// of it fail with `.busy`. Nothing else bounds what comes but the number of gets.
  ///
  /// A queue that does not exist costs the messages that its channel holds: they go back to their queues.
  package func get(_ queues: [String]) async -> [AMQPGetResult] {
    guard !queues.isEmpty else { return [] }
    guard keeper.wire != nil, !keeper.isStopping else {
      return Array(repeating: .failed(keeper.reason), count: queues.count)
    }
    return await withCheckedContinuation { gets.ask(GetBatch(queues, $0)) }
  }

  /// Takes effect with the next turn of the thread, which follows at once.
  package func settle(_ settlements: [AMQPSettlement]) {
    for settlement in settlements where !settle(settlement.address, settlement.act) { stale += 1 }
  }

  private func settle(_ address: AMQPDeliveryAddress, _ act: AMQPSettlement.Act) -> Bool {
    let index = Int(address.channel) - 1
    guard channels.indices.contains(index) else { return gets.settle(address, act) }
    return address.generation == channels[index].generation && channels[index].tags.settle(address.tag, act)
  }

  // MARK: turns

  private func turn(_ readiness: ThreadExecutor.Readiness) -> ThreadExecutor.Wait {
    now = .now
    defer { publishState() }
    return keeper.turn(
      readiness,
      take: { (channel, frame) throws(AMQPError) in
        if Int(channel) <= channels.count { try take(frame, Int(channel) - 1) } else { try takeGot(frame, channel) }
      },
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

  private func takeGot(_ frame: AMQPFrame, _ channel: UInt16) throws(AMQPError) {
    guard case .channelClosed(let error) = frame else { return try gets.take(frame, channel: channel) }
    keeper.wire?.out.channelCloseOk(channel)
    let lost = gets.channelClosed(channel, error)
    logger.warning(
      "the broker closed a channel for gets", metadata: ["error": "\(error)", "unsettled": "\(lost)"])
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
      let due = channels[index].pursue(
        wanted: wanted && !keeper.isStopping, now: now, to: &wire.out, newGeneration: newGeneration)
      if let due { plan.due = min(plan.due ?? due, due) }
    }
    gets.write(to: &wire.out, channelMax: wire.channelMax, newGeneration: newGeneration)
    releaseQuietWaiters()
    return plan
  }

  private func newGeneration() -> UInt64 {
    lastGeneration += 1
    return lastGeneration
  }

  private func lost(_ wire: AMQPWire, _ error: AMQPError) {
    if error.code == .malformed { discardUndecodable(over: wire) }
    arrived.removeAll()
    for index in channels.indices { channels[index].closed(now: nil) }
    gets.lost(error)
    releaseQuietWaiters()
    events(.disconnected(error))
  }

  /// The library cannot get past a header frame it cannot decode, so such a message would end every connection it is
  /// delivered to. The delivery itself was read before; when it comes for the second time it is discarded.
  private func discardUndecodable(over wire: AMQPWire) {
    for channel in channels {
      guard let delivery = channel.halfReceived else { continue }
      discard(delivery.tag, of: channel.subscription.queue, delivery.redelivered, channel.number, over: wire)
    }
    for message in gets.halfReceived {
      discard(message.tag, of: message.queue, message.redelivered, message.channel, over: wire)
    }
  }

  private func discard(_ tag: UInt64, of queue: String, _ redelivered: Bool, _ channel: UInt16, over wire: AMQPWire) {
    let metadata: Logger.Metadata = ["queue": "\(queue)", "redelivered": "\(redelivered)"]
    guard redelivered else {
      logger.warning("a delivery that cannot be decoded ended the connection", metadata: metadata)
      return
    }
    undecodable += 1
    logger.error("discarded a delivery that cannot be decoded", metadata: metadata)
    wire.out.reject(tag, requeue: false, channel: channel)
    wire.abandon()
  }

  private func releaseQuietWaiters() {
    guard !quietWaiters.isEmpty, wanted || channels.allSatisfy(\.isQuiet) else { return }
    for waiter in quietWaiters { waiter.resume() }
    quietWaiters = []
  }

  private func publishState() {
    let state = State(
      isConnected: keeper.wire != nil, consuming: channels.count { $0.isConsuming },
      unsettled: channels.reduce(gets.unsettled) { $0 + $1.tags.count }, stale: stale, undecodable: undecodable,
      generations: channels.map(\.generation) + gets.generations)
    published.withLock { $0 = state }
  }
}
