import Confinement
package import Logging
import Synchronization

/// Publishes batches over one connection on one thread, in confirm mode, and says of each publication what became of
/// it.
///
/// A batch is written in one turn as far as the window allows: unconfirmed publications are bounded in count and bytes
/// (`Window`), the rest waits here, bounded by its callers. Nothing blocks the thread: bytes that the socket does not
/// take wait in memory. While the broker is out of memory or disk it blocks publishers (`connection.blocked`): then
/// nothing is written, answers are still read, and callers wait.
///
/// Without a connection, a publication is lost at once rather than kept: `connected` waits for one. A lost connection,
/// or a publication that makes the broker close the channel (an exchange that does not exist), loses every publication
/// not yet answered: the caller decides whether to publish again.
package actor AMQPPublisher {
  package struct Window: Sendable {
    package var publications = 4096
    /// Of unconfirmed bodies. One larger body goes alone.
    package var bytes = 1 << 20

    package init() {}
  }

  package struct State: Sendable, Hashable {
    package var isConnected = false
    /// The broker takes no publications for now.
    package var isBlocked = false
    package var unconfirmed = 0
    /// Publications waiting for room in the window.
    package var waiting = 0
  }

  private enum Phase { case closed, opening, ready }

  private static let channel: UInt16 = 1
  /// How long a stopped publisher waits for answers.
  private static let drainTime = Duration.seconds(5)

  private let executor: ThreadExecutor
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let window: Window
  private let logger: Logger
  private let stop: StopSign
  private let keeper: AMQPKeeper
  private let gate = Gate()
  private let published = Mutex(State())

  private var phase = Phase.closed
  private var blockedSince: ContinuousClock.Instant?
  private var drainUntil: ContinuousClock.Instant?
  private var unconfirmed = ConfirmTracker<Ticket>()
  private var queue = PublicationQueue()
  private var assembler: ContentAssembler
  private var returning: (code: Int, text: String, exchange: String, routingKey: String)?

  package init(configuration: AMQPConfiguration, window: Window = Window(), logger: Logger) {
    executor = ThreadExecutor(name: "amqp-publish")
    stop = StopSign(executor: executor)
    keeper = AMQPKeeper(configuration: configuration, logger: logger)
    assembler = ContentAssembler(maxBodyBytes: configuration.maxBodyBytes)
    self.window = window
    self.logger = logger
  }

  deinit { executor.stop() }

  /// Figures for gauges, as of the last turn of the thread; callable from any thread.
  package nonisolated var state: State { published.withLock { $0 } }

  /// Connects and keeps connected until the calling task is cancelled; then waits up to 5 s for answers and closes.
  /// Once only.
  package func run() async {
    await withTaskCancellationHandler {
      await keepConnected()
    } onCancel: {
      stop.raise()
    }
    gate.retire()
  }

  /// A method of its own, because the body of a cancellation handler need not run on the actor.
  private func keepConnected() async {
    executor.takeTurns { [weak self] readiness in
      self?.assumeIsolated { $0.turn(readiness) } ?? ThreadExecutor.Wait()
    }
    await keeper.run(stop: stop) { _ in }
  }

  /// True once publications can be taken; false when the publisher has stopped or the calling task is cancelled.
  package nonisolated func connected() async -> Bool { await gate.pass() }

  /// Returns when each publication has its result, in the order of the batch. Cancellation does not end it: what is
  /// sent is sent. Publish many at once: the call costs a change of threads, a publication in it little.
  package func publish(_ batch: [AMQPPublication]) async -> [AMQPPublishResult] {
    guard !batch.isEmpty else { return [] }
    guard keeper.wire != nil, !keeper.isStopping else {
      return Array(repeating: .lost(keeper.reason), count: batch.count)
    }
    return await withCheckedContinuation { queue.append(PublicationBatch(batch, $0)) }
  }

  // MARK: turns

  private func turn(_ readiness: ThreadExecutor.Readiness) -> ThreadExecutor.Wait {
    defer { publishState() }
    return keeper.turn(
      readiness,
      take: { (_, frame) throws(AMQPError) in try take(frame) },
      write: { wire in write(to: wire) },
      lost: { _, error in lost(error) })
  }

  private func take(_ frame: AMQPFrame) throws(AMQPError) {
    switch frame {
    case .ack(let tag, let multiple): answered(tag, multiple, ack: true)
    case .nack(let tag, let multiple): answered(tag, multiple, ack: false)
    case .returned(let code, let text, let exchange, let routingKey):
      try assembler.begin()
      returning = (code, text, exchange, routingKey)
    case .header(let bodyBytes, let properties):
      finishReturn(try assembler.header(bodyBytes: bodyBytes, properties: properties))
    case .body(let bytes): finishReturn(try assembler.body(bytes))
    case .confirmSelectOk:
      phase = .ready
      gate.open()
    case .channelClosed(let error):
      keeper.wire?.out.channelCloseOk(Self.channel)
      logger.error("the broker closed the publishing channel", metadata: ["error": "\(error)"])
      closeChannel(error)
    case .blocked(let reason):
      blockedSince = blockedSince ?? .now
      logger.error("the broker takes no publications: it is out of memory or disk", metadata: ["reason": "\(reason)"])
    case .unblocked: unblocked()
    default: break
    }
  }

  private func answered(_ tag: UInt64, _ multiple: Bool, ack: Bool) {
    unconfirmed.answer(tag: tag, multiple: multiple, ack: ack) { ticket, answer in
      switch answer {
      case .confirmed: ticket.resolve(.confirmed)
      case .returned(let code, let text): ticket.resolve(.returned(code: code, text: text))
      case .nacked: ticket.resolve(.nacked)
      }
    }
  }

  private func finishReturn(_ content: AMQPContent?) {
    guard let content, let returning else { return }
    let routing = ConfirmTracker<Ticket>.routing(
      exchange: returning.exchange, routingKey: returning.routingKey, messageId: content.properties.messageId)
    unconfirmed.returned(routing: routing, code: returning.code, text: returning.text)
    self.returning = nil
  }

  private func unblocked() {
    guard let since = blockedSince else { return }
    blockedSince = nil
    let seconds = (ContinuousClock.now - since).components.seconds
    logger.notice("the broker takes publications again", metadata: ["duration": "\(seconds) s"])
  }

  // MARK: writing

  private func write(to wire: AMQPWire) -> AMQPKeeper.Plan {
    if phase == .closed {
      wire.out.channelOpen(Self.channel)
      wire.out.confirmSelect(channel: Self.channel)
      phase = .opening
    }
    if phase == .ready, blockedSince == nil {
      while unconfirmed.count < window.publications, let (ticket, publication) = queue.next(where: fits) {
        if let error = wire.out.publish(publication, channel: Self.channel, frameMax: wire.frameMax) {
          ticket.resolve(.lost(error))
        } else {
          unconfirmed.published(ticket, publication)
        }
      }
    }
    return plan()
  }

  private func fits(_ publication: AMQPPublication) -> Bool {
    unconfirmed.count == 0 || unconfirmed.bytes + publication.body.count <= window.bytes
  }

  private func plan() -> AMQPKeeper.Plan {
    guard keeper.isStopping else { return AMQPKeeper.Plan() }
    let until = drainUntil ?? .now + Self.drainTime
    drainUntil = until
    let isDone = unconfirmed.count == 0 && queue.isEmpty
    return AMQPKeeper.Plan(due: until, mayClose: isDone || until <= .now)
  }

  // MARK: losing

  private func closeChannel(_ error: AMQPError) {
    phase = .closed
    gate.shut()
    assembler = ContentAssembler(maxBodyBytes: assembler.maxBodyBytes)
    returning = nil
    for ticket in unconfirmed.drain() { ticket.resolve(.lost(error)) }
  }

  private func lost(_ error: AMQPError) {
    blockedSince = nil
    closeChannel(error)
    for ticket in queue.drain() { ticket.resolve(.lost(error)) }
  }

  private func publishState() {
    let state = State(
      isConnected: phase == .ready, isBlocked: blockedSince != nil, unconfirmed: unconfirmed.count,
      waiting: queue.count)
    published.withLock { $0 = state }
  }
}
