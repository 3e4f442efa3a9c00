import Confinement

/// One call after another over a wire and channel of its own, each waited for. Not Sendable: it lives inside an actor
/// and blocks that actor's thread, up to `configuration.timeout` a call.
final class CallChannel {
  enum Answer {
    case done
    case status(AMQPQueueStatus)
    case removed(Int)
    case nothing
    case got(AMQPDelivery)
  }

  static let number: UInt16 = 1
  static let unexpected = AMQPError(.malformed, "the broker answered another call", .reconnect)

  private let configuration: AMQPConfiguration
  private var wire: AMQPWire?
  private var isOpen = false
  /// Counts openings of the channel.
  private var generation: UInt64 = 0
  private var tags = UnsettledTags()
  private var assembler: ContentAssembler
  /// A message whose content is on its way.
  private var getting: AMQPDelivery?

  init(configuration: AMQPConfiguration) {
    self.configuration = configuration
    assembler = ContentAssembler(maxBodyBytes: configuration.maxBodyBytes)
  }

  func connect() throws(AMQPError) -> AMQPWire {
    if let wire { return wire }
    let wire = try AMQPWire(opening: configuration)
    self.wire = wire
    return wire
  }

  func call(_ request: (inout AMQPWriter) -> Void) throws(AMQPError) -> Answer {
    let wire = try connect()
    if !isOpen {
      reset()
      generation += 1
      _ = try ask(wire) { $0.channelOpen(Self.number) }
      isOpen = true
    }
    writeSettlements(to: wire)
    return try ask(wire, request)
  }

  func settle(_ settlements: [AMQPSettlement]) {
    for settlement in settlements where isOpen && settlement.address.generation == generation {
      _ = tags.settle(settlement.address.tag, settlement.act)
    }
  }

  func close() {
    guard let wire else { return }
    writeSettlements(to: wire)
    do throws(AMQPError) {
      _ = try ask(wire) { $0.connectionClose() }
    } catch {
      // Then the connection is gone already, which is what was asked for.
    }
    drop()
  }

  /// A turn between calls: heartbeats, and noticing that the broker has gone.
  func idle(_ readiness: ThreadExecutor.Readiness) -> ThreadExecutor.Wait {
    guard let wire else { return ThreadExecutor.Wait() }
    do throws(AMQPError) {
      _ = try receive(from: wire, readable: readiness.readable)
      return try wire.flush()
    } catch {
      drop()  // the next call connects anew and says what is wrong
      return ThreadExecutor.Wait()
    }
  }

  private func ask(_ wire: AMQPWire, _ request: (inout AMQPWriter) -> Void) throws(AMQPError) -> Answer {
    let start = wire.out.bytes.count
    request(&wire.out)
    guard !wire.out.overflowed else {
      wire.out.rewind(to: start)
      throw AMQPError(.configuration, "a name for the broker is longer than 255 bytes", .permanent)
    }
    let answer: Result<Answer, AMQPError>
    do throws(AMQPError) {
      answer = try waitForAnswer(over: wire)
    } catch {
      drop()
      throw error
    }
    return try answer.get()
  }

  private func waitForAnswer(over wire: AMQPWire) throws(AMQPError) -> Result<Answer, AMQPError> {
    let deadline = ContinuousClock.now + configuration.timeout
    while true {
      _ = try wire.flush()
      wire.wait(deadline - .now)
      if let answer = try receive(from: wire, readable: true) {
        _ = try wire.flush()
        return answer
      }
      guard .now < deadline else {
        throw AMQPError(.timeout, "the broker did not answer within \(configuration.timeout)", .reconnect)
      }
    }
  }

  private func receive(from wire: AMQPWire, readable: Bool) throws(AMQPError) -> Result<Answer, AMQPError>? {
    var answer: Result<Answer, AMQPError>?
    try wire.receive(readable: readable) { (_, frame) throws(AMQPError) in
      if let next = try take(frame, wire) { answer = next }
    }
    return answer
  }

  private func take(_ frame: AMQPFrame, _ wire: AMQPWire) throws(AMQPError) -> Result<Answer, AMQPError>? {
    switch frame {
    case .queueDeclared(let messages, let consumers):
      return .success(.status(AMQPQueueStatus(messages: messages, consumers: consumers)))
    case .messagesRemoved(let count): return .success(.removed(count))
    case .gotNothing: return .success(.nothing)
    case .got(let tag, let redelivered, let exchange, let routingKey, _):
      guard tags.delivered(tag) else { throw Self.unexpected }
      try assembler.begin()
      getting = AMQPDelivery(
        address: AMQPDeliveryAddress(generation: generation, channel: Self.number, tag: tag), queue: "",
        subscription: 0, redelivered: redelivered, exchange: String(decoding: exchange, as: UTF8.self),
        routingKey: String(decoding: routingKey, as: UTF8.self), properties: AMQPProperties(), body: [],
        propertyBytes: 0)
      return nil
    case .header(let bodyBytes, let properties):
      return got(try assembler.header(bodyBytes: bodyBytes, properties: properties))
    case .body(let bytes): return got(try assembler.body(bytes))
    case .channelClosed(let error):
      wire.out.channelCloseOk(Self.number)
      isOpen = false
      return .failure(error)
    case .connectionClosed(let error):
      wire.out.connectionCloseOk()
      _ = try wire.flush()
      throw error
    case .connectionCloseOk: return .success(.done)
    case .other(let method) where method != 0: return .success(.done)
    default: return nil
    }
  }

  private func got(_ content: AMQPContent?) -> Result<Answer, AMQPError>? {
    guard let content, var delivery = getting else { return nil }
    getting = nil
    delivery.properties = content.properties
    delivery.hostility = content.hostility
    delivery.propertyBytes = content.propertyBytes
    delivery.body = content.body
    delivery.oversize = content.oversize
    return .success(.got(delivery))
  }

  private func writeSettlements(to wire: AMQPWire) {
    for frame in tags.takeFrames() { wire.out.settle(frame, channel: Self.number) }
  }

  private func reset() {
    tags = UnsettledTags()
    assembler = ContentAssembler(maxBodyBytes: configuration.maxBodyBytes)
    getting = nil
  }

  private func drop() {
    wire = nil
    isOpen = false
    reset()
  }
}
