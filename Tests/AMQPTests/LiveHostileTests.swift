import Logging
import TestKit
import Testing

@testable import AMQP

/// Messages whose properties a decent client would not send. They are written frame by frame.
@Suite(.enabled(if: Live.isWanted))
struct LiveHostileTests {
  /// Publishes one message with these encoded properties and waits until the broker has it.
  private func publish(rawProperties: [UInt8], to queue: String, _ live: Live) async throws {
    let wire = try AMQPWire(opening: live.configuration)
    wire.out.channelOpen(1)
    wire.out.confirmSelect(channel: 1)
    wire.out.method(AMQPMethod.basicPublish, channel: 1) { writer in
      writer.integer(UInt16(0))
      writer.shortString("")
      writer.shortString(queue)
      writer.bytes.append(0)
    }
    wire.out.bytes += [2, 0, 1]
    wire.out.integer(UInt32(12 + rawProperties.count))
    wire.out.integer(UInt16(60))
    wire.out.integer(UInt16(0))
    wire.out.integer(UInt64(1))
    wire.out.bytes += rawProperties + [AMQPWriter.frameEnd, 3, 0, 1, 0, 0, 0, 1, 42, AMQPWriter.frameEnd]
    var confirmed = false
    try await waitUntil("the broker confirmed") {
      _ = try wire.flush()
      try wire.receive(readable: true) { (_, frame) throws(AMQPError) in
        if case .ack = frame { confirmed = true }
        if case .connectionClosed(let error) = frame { throw error }
      }
      return confirmed
    }
    wire.abandon()
  }

  /// Headers of one key with `levels` arrays or tables inside one another.
  private func nested(_ levels: Int, tables: Bool) -> [UInt8] {
    var writer = AMQPWriter()
    writer.integer(UInt16(0x2000))
    let level = tables ? 6 : 5
    writer.integer(UInt32(tables ? levels * level : 2 + levels * level))
    if !tables { writer.bytes += [1, UInt8(ascii: "k")] }
    for index in 0..<levels {
      writer.bytes += tables ? [0, UInt8(ascii: "F")] : [UInt8(ascii: "A")]
      writer.integer(UInt32((levels - index - 1) * level))
    }
    return writer.bytes
  }

  /// The message with these properties, as a quorum queue delivers it; `requeued` asks for its second delivery.
  private func delivered(_ properties: [UInt8], requeued: Bool = false) async throws -> AMQPDelivery? {
    let live = try await Live.shared()
    var found: AMQPDelivery?
    try await live.withQueue { queue in
      try await publish(rawProperties: properties, to: queue, live)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        // The broker needs seconds for deep nesting.
        var deliveries = try await inbox.take(1, within: .seconds(60))
        if requeued {
          await consumer.settle(deliveries.map { AMQPSettlement($0.address, .requeue) })
          deliveries = try await inbox.take(1)
        }
        found = deliveries.first
        await consumer.settle(deliveries.map(\.ack))
        try await waitUntil("it is settled") { consumer.state.unsettled == 0 }
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
      #expect(live.log.count(.error, "") == 0)
    }
    return found
  }

  @Test(arguments: [true, false])
  func `tables nested as deep as a frame allows come as a hostile delivery`(tables: Bool) async throws {
    // 26,000 arrays in 131,072 bytes; librabbitmq 0.11 decodes them by recursion.
    let delivery = try #require(try await delivered(nested(tables ? 21_800 : 26_200, tables: tables)))
    #expect(delivery.hostility == .tooDeep)
    #expect(delivery.properties.headers.isEmpty)
    #expect(delivery.body == [42])
  }

  @Test func `headers that fill a frame, to which the broker then adds its own, still arrive`() async throws {
    var writer = AMQPWriter()
    writer.integer(UInt16(0x2000))
    writer.table(["k": .string(String(repeating: "x", count: 131_072 - 12 - 2 - 4 - 2 - 1 - 4))])
    let delivery = try #require(try await delivered(writer.bytes, requeued: true))
    #expect(delivery.hostility == nil)
    #expect(delivery.redelivered)
    #expect(delivery.properties.headers["k"]?.string?.utf8.count == 131_047)
    #expect(delivery.properties.headers["x-delivery-count"]?.int == 1)
    #expect(delivery.propertyBytes > 131_072)
  }

  @Test func `a frame full of values is hostile`() async throws {
    var writer = AMQPWriter()
    writer.integer(UInt16(0x2000))
    writer.measured { writer in
      writer.bytes += [1, UInt8(ascii: "k"), UInt8(ascii: "A")]
      writer.measured { $0.bytes += Array(repeating: UInt8(ascii: "V"), count: 130_000) }
    }
    #expect(try await delivered(writer.bytes)?.hostility == .tooManyValues)
  }

  @Test func `names that are not UTF-8 are hostile`() async throws {
    let delivery = try #require(try await delivered([0x80, 0, 2, 0xFF, 0xFE]))
    #expect(delivery.hostility == .invalidText)
  }

  /// Classic queues hand the publisher's bytes on. These flags announce flags that do not come: the broker ignores
  /// that, librabbitmq cannot get past it.
  @Test func `a delivery that cannot be decoded is discarded when it comes for the second time`() async throws {
    let live = try await Live.shared()
    try await live.withQueue(["x-queue-type": "classic"]) { queue in
      try await publish(rawProperties: [0x80, 0x01, 4] + Array("text".utf8), to: queue, live)
      try await live.publish([Array("healthy".utf8)], to: queue)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        let deliveries = try await inbox.take(1)
        #expect(deliveries.map(\.text) == ["healthy"])
        #expect(consumer.state.undecodable == 1)
        await consumer.settle(deliveries.map(\.ack))
        try await waitUntil("it is settled") { consumer.state.unsettled == 0 }
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
      #expect(live.log.count(.error, "discarded a delivery") == 1)
    }
  }

  @Test func `a message that cannot be decoded is discarded when it is got for the second time`() async throws {
    let live = try await Live.shared()
    try await live.withQueue(["x-queue-type": "classic"]) { queue in
      try await publish(rawProperties: [0x80, 0x01, 4] + Array("text".utf8), to: queue, live)
      try await live.publish([Array("healthy".utf8)], to: queue)
      try await live.withConsumer([]) { consumer, _ in
        var results: [AMQPGetResult] = []
        try await waitUntil("a message came") {
          try await waitUntil("it is connected") { consumer.state.isConnected }
          results += await consumer.get([queue]).filter { !$0.isEmpty }
          return results.last?.message != nil
        }
        #expect(results.last?.message?.text == "healthy")
        #expect(results.count { $0.error?.code == .malformed } == 2)
        #expect(consumer.state.undecodable == 1)
        await consumer.settle(results.compactMap { $0.message?.ack })
        try await waitUntil("it is settled") { consumer.state.unsettled == 0 }
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
      #expect(live.log.count(.error, "discarded a delivery") == 1)
    }
  }
}
