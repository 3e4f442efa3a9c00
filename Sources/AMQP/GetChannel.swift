/// A channel for single messages: what was asked over it, what is unsettled, what is half received. A value without I/O
/// or clock; it opens with the first thing asked and anew after the broker closed it.
struct GetChannel {
  /// Of one queue, unsettled. A quorum queue of RabbitMQ 3.10 treats each unsettled get as a consumer of its own, and when
  /// more than 32 of those end with their channel it returns their messages in an order that it does not find again when
  /// it reads its log after a restart: then acks remove other messages than they were meant for. Up to 32 go back in the
  /// order of their tags as text, 10 before 9.
  static let unsettledPerQueue = 24

  let number: UInt16
  /// Of the opening that is in use; 0 while there is none.
  private(set) var generation: UInt64 = 0
  private var tags = UnsettledTags()
  private var assembler: ContentAssembler
  /// Not answered yet; the broker answers in this order.
  private var asked: [GetTicket] = []
  /// Of each queue: asked for and not answered, or got and not settled.
  private var held: [String: Int] = [:]
  /// Of what is got and not settled, by tag.
  private var queues: [UInt64: String] = [:]
  private var message: (tag: UInt64, redelivered: Bool, remaining: Int)?
  private var exchange = RecentText()
  private var routingKey = RecentText()

  init(number: UInt16, maxBodyBytes: Int) {
    self.number = number
    assembler = ContentAssembler(maxBodyBytes: maxBodyBytes)
  }

  /// Gets that are not answered yet.
  var load: Int { asked.count }
  var unsettled: Int { tags.count }
  func holds(_ queue: String) -> Bool { held[queue] != nil }
  func hasRoom(for queue: String) -> Bool { held[queue, default: 0] < Self.unsettledPerQueue }
  /// The message whose header did not come yet, while one is half received.
  var halfReceived: (queue: String, tag: UInt64, redelivered: Bool)? {
    guard assembler.isAwaitingHeader, let message, let ticket = asked.first else { return nil }
    return (ticket.queue, message.tag, message.redelivered)
  }

  // MARK: what should be

  mutating func ask(_ ticket: GetTicket, to out: inout AMQPWriter, newGeneration: () -> UInt64) {
    if generation == 0 {
      generation = newGeneration()
      out.channelOpen(number)
    }
    out.get(ticket.queue, channel: number)
    asked.append(ticket)
    held[ticket.queue, default: 0] += 1
  }

  /// False when the tag is unknown or settled already.
  mutating func settle(_ tag: UInt64, _ act: AMQPSettlement.Act) -> Bool {
    guard tags.settle(tag, act) else { return false }
    if let queue = queues.removeValue(forKey: tag) { letGo(of: queue) }
    return true
  }

  mutating func writeSettlements(to out: inout AMQPWriter) {
    for frame in tags.takeFrames() { out.settle(frame, channel: number) }
  }

  // MARK: what happened

  mutating func got(
    tag: UInt64, redelivered: Bool, exchange: UnsafeRawBufferPointer, routingKey: UnsafeRawBufferPointer, remaining: Int
  ) throws(AMQPError) {
    guard let ticket = asked.first, tags.delivered(tag) else { throw Self.disorder }
    try assembler.begin()
    message = (tag, redelivered, remaining)
    queues[tag] = ticket.queue
    self.exchange.set(exchange)
    self.routingKey.set(routingKey)
  }

  mutating func header(bodyBytes: UInt64, properties: UnsafeRawBufferPointer) throws(AMQPError) {
    finish(try assembler.header(bodyBytes: bodyBytes, properties: properties))
  }

  mutating func body(_ bytes: UnsafeRawBufferPointer) throws(AMQPError) { finish(try assembler.body(bytes)) }

  mutating func gotNothing() throws(AMQPError) {
    guard !asked.isEmpty else { throw Self.disorder }
    let ticket = asked.removeFirst()
    letGo(of: ticket.queue)
    ticket.resolve(.empty)
  }

  /// The channel or the connection ended. Returns what was not answered; what is unsettled goes back to its queue.
  mutating func closed() -> [GetTicket] {
    defer { self = GetChannel(number: number, maxBodyBytes: assembler.maxBodyBytes) }
    return asked
  }

  private mutating func finish(_ content: AMQPContent?) {
    guard let content, let message else { return }
    let ticket = asked.removeFirst()
    self.message = nil
    let delivery = AMQPDelivery(
      address: AMQPDeliveryAddress(generation: generation, channel: number, tag: message.tag), queue: ticket.queue,
      subscription: 0, redelivered: message.redelivered, exchange: exchange.text, routingKey: routingKey.text,
      properties: content.properties, hostility: content.hostility, body: content.body, oversize: content.oversize,
      propertyBytes: content.propertyBytes)
    ticket.resolve(.message(delivery, remaining: message.remaining))
  }

  private mutating func letGo(of queue: String) {
    held[queue] = held[queue].flatMap { $0 > 1 ? $0 - 1 : nil }
  }

  private static let disorder = AMQPError(.malformed, "the broker answered a get that was not asked", .reconnect)
}
