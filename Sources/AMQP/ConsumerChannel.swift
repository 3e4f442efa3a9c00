/// A queue to consume from, and how many deliveries may be unsettled.
package struct AMQPSubscription: Sendable, Hashable {
  package var queue: String
  /// 1 to 65,535. Bounds the inbox: a pause and resume in between can bring it to at most twice as many.
  package var prefetch: Int

  package init(queue: String, prefetch: Int) {
    self.queue = queue
    self.prefetch = min(max(prefetch, 1), Int(UInt16.max))
  }
}

/// One subscription on its channel: what the broker thinks of it, what is unsettled, what is half received. It is told
/// what should be (`wanted`) and what happened, and says which frames bring it nearer. A value without I/O or clock.
struct ConsumerChannel {
  private enum Phase: Equatable {
    case closed
    case open
    /// Asked for, not confirmed.
    case starting
    case consuming
    case cancelling
  }

  private static let consumerTag = "tollway"

  let subscription: AMQPSubscription
  let index: Int
  /// The channel's number.
  var number: UInt16 { UInt16(index + 1) }
  /// Of the opening that is in use; 0 while there is none.
  private(set) var generation: UInt64 = 0
  var tags = UnsettledTags()
  var assembler: ContentAssembler
  var backoff = Backoff()
  var outage = Outage()

  private var phase = Phase.closed
  /// No new attempt before.
  private var notBefore: ContinuousClock.Instant?
  private var delivery: (tag: UInt64, redelivered: Bool)?
  private var exchange = RecentText()
  private var routingKey = RecentText()

  init(_ subscription: AMQPSubscription, index: Int, maxBodyBytes: Int) {
    self.subscription = subscription
    self.index = index
    assembler = ContentAssembler(maxBodyBytes: maxBodyBytes)
  }

  var isConsuming: Bool { phase == .consuming }
  /// Nothing more will be delivered unless it is asked for.
  var isQuiet: Bool { phase == .closed || phase == .open }
  /// The delivery whose header did not come yet, while one is half received.
  var halfReceived: (tag: UInt64, redelivered: Bool)? { assembler.isAwaitingHeader ? delivery : nil }

  // MARK: what should be

  /// Appends the frames that bring it nearer to what is wanted. `newGeneration` is called when the channel opens.
  /// Returns when to ask again, if time alone will change the answer.
  mutating func pursue(
    wanted: Bool, now: ContinuousClock.Instant, to out: inout AMQPWriter, newGeneration: () -> UInt64
  ) -> ContinuousClock.Instant? {
    switch phase {
    case .closed, .open:
      guard wanted else { return nil }
      if let notBefore, now < notBefore { return notBefore }
      // Prefetch counts for each consumer anew, so earlier unsettled deliveries must not pile up.
      guard tags.count < subscription.prefetch else { return nil }
      if phase == .closed {
        generation = newGeneration()
        out.channelOpen(number)
        out.prefetch(UInt16(subscription.prefetch), channel: number)
      }
      out.consume(queue: subscription.queue, tag: Self.consumerTag, channel: number)
      phase = .starting
    case .consuming where !wanted:
      out.cancel(tag: Self.consumerTag, channel: number)
      phase = .cancelling
    case .starting, .consuming, .cancelling: break
    }
    return nil
  }

  // MARK: what happened

  mutating func consumeConfirmed() {
    if phase == .starting { phase = .consuming }
    backoff.reset()
  }

  mutating func cancelConfirmed() { if phase == .cancelling { phase = .open } }

  /// The broker ended the consumer; the channel and what is unsettled on it live on.
  mutating func cancelledByBroker(now: ContinuousClock.Instant) {
    guard phase == .starting || phase == .consuming else { return }
    phase = .open
    notBefore = now + backoff.next()
  }

  /// The broker closed the channel, or the connection ended (`now` is nil then: the connection has its own pauses).
  mutating func closed(now: ContinuousClock.Instant?) {
    phase = .closed
    generation = 0
    tags = UnsettledTags()
    assembler = ContentAssembler(maxBodyBytes: assembler.maxBodyBytes)
    delivery = nil
    notBefore = now.map { $0 + backoff.next() }
  }

  mutating func delivered(
    tag: UInt64, redelivered: Bool, exchange: UnsafeRawBufferPointer, routingKey: UnsafeRawBufferPointer
  ) throws(AMQPError) {
    guard tags.delivered(tag) else {
      throw AMQPError(.malformed, "the broker sent delivery tags out of order", .reconnect)
    }
    try assembler.begin()
    delivery = (tag, redelivered)
    self.exchange.set(exchange)
    self.routingKey.set(routingKey)
  }

  /// The delivery whose content is complete.
  func assembled(_ content: AMQPContent) -> AMQPDelivery? {
    guard let delivery else { return nil }
    return AMQPDelivery(
      address: AMQPDeliveryAddress(generation: generation, channel: number, tag: delivery.tag),
      queue: subscription.queue, subscription: index, redelivered: delivery.redelivered, exchange: exchange.text,
      routingKey: routingKey.text, properties: content.properties, hostility: content.hostility, body: content.body,
      oversize: content.oversize, propertyBytes: content.propertyBytes)
  }
}

/// A text that is mostly the same as the last time: it is made anew only when its bytes differ. Bytes that are not
/// UTF-8 are repaired.
struct RecentText {
  private(set) var text = ""

  mutating func set(_ bytes: UnsafeRawBufferPointer) {
    if !text.utf8.elementsEqual(bytes) { text = String(decoding: bytes, as: UTF8.self) }
  }
}
