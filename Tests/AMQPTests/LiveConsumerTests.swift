import Confinement
import Logging
import TestKit
import Testing

@testable import AMQP

@Suite(.enabled(if: Live.isWanted))
struct LiveConsumerTests {
  private func texts(_ range: Range<Int>) -> [[UInt8]] { range.map { Array("\($0)".utf8) } }

  @Test func `deliveries come in order with all they carry, and acks empty the queue`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<500), to: queue) { properties in
        properties.contentType = "application/json"
        properties.headers = ["x-n": 7]
      }
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 1000)]) { consumer, inbox in
        let deliveries = try await inbox.take(500)
        #expect(deliveries.map(\.text) == (0..<500).map { "\($0)" })
        let first = deliveries[0]
        #expect(first.queue == queue)
        #expect(first.routingKey == queue)
        #expect(first.exchange == "")
        #expect(!first.redelivered)
        #expect(first.properties.contentType == "application/json")
        #expect(first.properties.messageId == "0")
        #expect(first.properties.deliveryMode == .persistent)
        #expect(first.properties.headers["x-n"]?.int == 7)
        #expect(first.hostility == nil)
        #expect(consumer.state.unsettled == 500)
        await consumer.settle(deliveries.map(\.ack))
        try await waitUntil("all are settled") { consumer.state.unsettled == 0 }
      }
      let status = try await live.admin.queueStatus(queue)
      #expect(status == AMQPQueueStatus(messages: 0, consumers: 0))
    }
  }

  @Test func `acks given just before the end are not lost`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<300), to: queue)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 1000)]) { consumer, inbox in
        await consumer.settle(try await inbox.take(300).map(\.ack))
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
    }
  }

  @Test func `prefetch bounds what is unsettled, for each subscription`() async throws {
    let live = try await Live.shared()
    try await live.withQueues([Live.quorum, [:]]) { queues in
      for queue in queues { try await live.publish(texts(0..<50), to: queue) }
      let subscriptions = [
        AMQPSubscription(queue: queues[0], prefetch: 5), AMQPSubscription(queue: queues[1], prefetch: 7),
      ]
      try await live.withConsumer(subscriptions) { consumer, inbox in
        var deliveries = try await inbox.take(12)
        #expect(deliveries.count { $0.subscription == 0 } == 5)
        #expect(deliveries.count { $0.subscription == 1 } == 7)
        var seen = deliveries.count
        while seen < 100 {
          await consumer.settle(deliveries.map(\.ack))
          deliveries = try await inbox.take(1)
          seen += deliveries.count
          #expect(consumer.state.unsettled <= 12)
        }
        await consumer.settle(deliveries.map(\.ack))
      }
    }
  }

  @Test func `a requeued delivery comes again, a discarded one goes where the queue says`() async throws {
    let live = try await Live.shared()
    let dead = Namespace.unique()
    _ = try await live.admin.queueDeclare(dead)
    let arguments: AMQPTable = ["x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string(dead)]
    try await live.withQueue(arguments) { queue in
      try await live.publish(texts(0..<2), to: queue)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        let deliveries = try await inbox.take(2)
        await consumer.settle([
          AMQPSettlement(deliveries[0].address, .requeue), AMQPSettlement(deliveries[1].address, .discard),
        ])
        let again = try await inbox.take(1)
        #expect(again.map(\.text) == ["0"])
        #expect(again[0].redelivered)
        await consumer.settle(again.map(\.ack))
      }
      try await waitUntil("the dead letter arrived") { try await live.admin.queueStatus(dead).messages == 1 }
      try await live.admin.queueDelete(dead)
    }
  }

  @Test func `a settlement that is repeated, unknown or of another channel is dropped and counted`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<2), to: queue)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        let deliveries = try await inbox.take(2)
        await consumer.settle([deliveries[0].ack, deliveries[0].ack])
        var address = deliveries[1].address
        address.tag += 1
        await consumer.settle([AMQPSettlement(address, .ack)])
        address = deliveries[1].address
        address.generation -= 1
        await consumer.settle([AMQPSettlement(address, .requeue)])
        address.channel = 9
        await consumer.settle([AMQPSettlement(address, .ack)])
        try await waitUntil("they are counted") { consumer.state.stale == 4 }
        await consumer.settle([deliveries[1].ack])
        try await waitUntil("both are settled") { consumer.state.unsettled == 0 }
        #expect(consumer.state.isConnected)
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
      #expect(live.log.count(.error, "") == 0)
    }
  }

  @Test func `a pause stops deliveries until the resume, and what came before can be settled`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<2), to: queue)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        let before = try await inbox.take(2)
        await consumer.pause()
        #expect(consumer.state.consuming == 0)
        try await live.publish(texts(2..<4), to: queue)
        await consumer.settle(before.map(\.ack))
        try await waitUntil("the queue has no consumer") { try await live.admin.queueStatus(queue).consumers == 0 }
        #expect(inbox.mailbox.count == 0)
        await consumer.resume()
        let after = try await inbox.take(2)
        #expect(after.map(\.text) == ["2", "3"])
        await consumer.settle(after.map(\.ack))
        try await waitUntil("all are settled") { consumer.state.unsettled == 0 }
        #expect(consumer.state.stale == 0)
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
    }
  }

  @Test func `a deleted queue costs only its own subscription, which comes back with the queue`() async throws {
    let live = try await Live.shared()
    try await live.withQueues([[:], Live.quorum]) { queues in
      let subscriptions = queues.map { AMQPSubscription(queue: $0, prefetch: 10) }
      try await live.withConsumer(subscriptions) { consumer, inbox in
        try await waitUntil("both consume") { consumer.state.consuming == 2 }
        try await live.publish(texts(0..<1), to: queues[1])
        let held = try await inbox.take(1)
        try await live.admin.queueDelete(queues[0])
        try await waitUntil("the loss is said") { live.log.count(.error, "consuming from \(queues[0])") > 0 }
        #expect(consumer.state.isConnected)
        _ = try await live.admin.queueDeclare(queues[0])
        try await waitUntil("both consume again") { consumer.state.consuming == 2 }
        #expect(live.log.count(.notice, "consuming from \(queues[0]) in order again") == 1)
        try await live.publish(texts(5..<6), to: queues[0])
        let came = try await inbox.take(1)
        #expect(came.map(\.text) == ["5"])
        await consumer.settle((held + came).map(\.ack))
        try await waitUntil("all are settled") { consumer.state.unsettled == 0 }
        #expect(consumer.state.stale == 0)
      }
      #expect(live.log.count(.error, "connection to the broker") == 0)
    }
  }

  @Test func `an oversize body is skimmed, and its neighbours are whole`() async throws {
    let live = try await Live.shared()
    var configuration = live.configuration
    configuration.maxBodyBytes = 200_000
    let small = Live(configuration)
    try await live.withQueue { queue in
      let bodies = [
        [1, 2, 3], [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000), [UInt8](repeating: 9, count: 200_000),
      ]
      try await live.publish(bodies, to: queue)
      try await small.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        let deliveries = try await inbox.take(3)
        #expect(deliveries[0].body == [1, 2, 3])
        #expect(deliveries[1].body == Array(bodies[1].prefix(4096)))
        #expect(deliveries[1].oversize?.bytes == 1_000_000)
        #expect(
          deliveries[1].oversize?.sha256 == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        #expect(deliveries[1].properties.messageId == "1")
        #expect(deliveries[2].body == bodies[2])
        await consumer.settle(deliveries.map(\.ack))
      }
    }
  }

  @Test func `bodies of every size around a frame arrive as they were sent`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      let sizes = [0, 1, 4096, 131_063, 131_064, 131_065, 262_128, 1 << 20]
      let bodies = sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) } }
      try await live.publish(bodies, to: queue)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
        let deliveries = try await inbox.take(sizes.count)
        #expect(deliveries.map(\.body) == bodies)
        await consumer.settle(deliveries.map(\.ack))
      }
    }
  }
}
