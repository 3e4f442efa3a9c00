import Testing

@testable import AMQP

struct ConsumerChannelTests {
  private let start = ContinuousClock.now

  private func newChannel(prefetch: Int = 2) -> ConsumerChannel {
    ConsumerChannel(AMQPSubscription(queue: "q", prefetch: prefetch), index: 0, maxBodyBytes: 100)
  }

  /// Numbers of the methods it wants to send.
  private func pursue(
    _ channel: inout ConsumerChannel, wanted: Bool = true, now: ContinuousClock.Instant? = nil
  ) -> (methods: [UInt32], due: ContinuousClock.Instant?) {
    var writer = AMQPWriter()
    let due = channel.pursue(wanted: wanted, now: now ?? start, to: &writer) { 7 }
    var methods: [UInt32] = []
    var rest = writer.bytes[...]
    while !rest.isEmpty {
      let head = Array(rest.prefix(11))
      methods.append(head[7...10].reduce(0) { $0 << 8 | UInt32($1) })
      rest = rest.dropFirst(8 + head[3...6].reduce(0) { $0 << 8 | Int($1) })
    }
    return (methods, due)
  }

  private func deliver(_ channel: inout ConsumerChannel, _ tag: UInt64) throws {
    let name = Array("name".utf8)
    try name.withUnsafeBytes { try channel.delivered(tag: tag, redelivered: false, exchange: $0, routingKey: $0) }
    _ = try [UInt8]([0, 0]).withUnsafeBytes { try channel.assembler.header(bodyBytes: 0, properties: $0) }
  }

  private func settle(_ channel: inout ConsumerChannel, _ tag: UInt64) -> Bool { channel.tags.settle(tag, .ack) }

  @Test func `it opens its channel, sets its prefetch and consumes, all at once and only once`() {
    var channel = newChannel()
    #expect(
      pursue(&channel).methods == [AMQPMethod.channelOpen, AMQPMethod.basicQos, AMQPMethod.basicConsume])
    #expect(channel.generation == 7)
    #expect(pursue(&channel).methods == [])
    channel.consumeConfirmed()
    #expect(channel.isConsuming)
    #expect(pursue(&channel).methods == [])
  }

  @Test func `unwanted, it stays closed, or cancels and is quiet once that is confirmed`() {
    var channel = newChannel()
    #expect(pursue(&channel, wanted: false).methods == [])
    #expect(channel.isQuiet)
    _ = pursue(&channel)
    #expect(pursue(&channel, wanted: false).methods == [])
    channel.consumeConfirmed()
    #expect(pursue(&channel, wanted: false).methods == [AMQPMethod.basicCancel])
    #expect(!channel.isQuiet)
    channel.cancelConfirmed()
    #expect(channel.isQuiet)
  }

  @Test func `resumed, it consumes again on the same channel once there is room under its prefetch`() throws {
    var channel = newChannel(prefetch: 2)
    _ = pursue(&channel)
    channel.consumeConfirmed()
    try deliver(&channel, 1)
    try deliver(&channel, 2)
    _ = pursue(&channel, wanted: false)
    channel.cancelConfirmed()
    #expect(pursue(&channel).methods == [])
    #expect(settle(&channel, 1))
    #expect(pursue(&channel).methods == [AMQPMethod.basicConsume])
  }

  @Test func `a consumer cancelled by the broker is asked for again after a pause, its deliveries stay valid`() throws {
    var channel = newChannel()
    _ = pursue(&channel)
    channel.consumeConfirmed()
    try deliver(&channel, 1)
    channel.cancelledByBroker(now: start)
    let (methods, due) = pursue(&channel)
    #expect(methods == [])
    let pause = try #require(due) - start
    #expect(pause >= .milliseconds(100) && pause <= .milliseconds(200))
    #expect(pursue(&channel, now: start + .milliseconds(200)).methods == [AMQPMethod.basicConsume])
    #expect(channel.generation == 7)
    #expect(settle(&channel, 1))
  }

  @Test func `a channel the broker closed is opened again after a pause that grows, its deliveries are stale`() throws {
    var channel = newChannel()
    _ = pursue(&channel)
    channel.consumeConfirmed()
    try deliver(&channel, 1)
    channel.closed(now: start)
    #expect(channel.generation == 0)
    #expect(channel.tags.count == 0)
    var now = start
    var pauses: [Duration] = []
    for _ in 0..<10 {
      let due = try #require(pursue(&channel, now: now).due)
      pauses.append(due - now)
      now = due
      #expect(pursue(&channel, now: now).methods.first == AMQPMethod.channelOpen)
      channel.closed(now: now)
    }
    #expect(try #require(pauses.first) <= .milliseconds(200))
    #expect(try #require(pauses.last) >= .seconds(5))
    #expect(pauses.allSatisfy { $0 <= .seconds(10) })
  }

  @Test func `tags out of order are malformed`() {
    var channel = newChannel()
    #expect(throws: AMQPError.self) { try deliver(&channel, 2) }
  }
}
