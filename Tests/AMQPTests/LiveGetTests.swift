import Confinement
import Logging
import TestKit
import Testing

@testable import AMQP

@Suite(.enabled(if: Live.isWanted))
struct LiveGetTests {
  private func texts(_ range: Range<Int>) -> [[UInt8]] { range.map { Array("\($0)".utf8) } }

  /// A consumer that is connected and consumes nothing.
  private func withGetter(_ live: Live, _ body: (AMQPConsumer) async throws -> Void) async throws {
    try await live.withConsumer([]) { consumer, _ in
      try await waitUntil("it is connected") { consumer.state.isConnected }
      try await body(consumer)
    }
  }

  private func settle(_ messages: [AMQPDelivery], _ consumer: AMQPConsumer) async throws {
    let left = consumer.state.unsettled - messages.count
    await consumer.settle(messages.map(\.ack))
    try await waitUntil("they are settled") { consumer.state.unsettled <= left }
  }

  @Test func `messages come one by one in order with all they carry, then the queue is empty`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<3), to: queue) { $0.headers = ["x-n": 7] }
      try await withGetter(live) { consumer in
        let results = await consumer.get([queue, queue, queue, queue])
        #expect(results.map { $0.message?.text } == ["0", "1", "2", nil])
        #expect(results.map(\.remaining) == [2, 1, 0, nil])
        #expect(results[3].isEmpty)
        let messages = results.compactMap(\.message)
        let first = try #require(messages.first)
        #expect(first.queue == queue)
        #expect(first.routingKey == queue)
        #expect(!first.redelivered)
        #expect(first.properties.headers["x-n"]?.int == 7)
        #expect(messages.allSatisfy { consumer.isCurrent($0.address) })
        #expect(consumer.state.unsettled == 3)
        await consumer.settle([AMQPSettlement(messages[1].address, .requeue)])
        let again = try #require(await consumer.get([queue]).first?.message)
        #expect(again.text == "1")
        #expect(again.redelivered)
        try await settle([messages[0], messages[2], again], consumer)
        #expect(consumer.state.stale == 0)
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
    }
  }

  @Test func `gets of many queues travel together, beside deliveries that stay current`() async throws {
    let live = try await Live.shared()
    try await live.withQueues(Array(repeating: Live.quorum, count: 12)) { queues in
      for queue in queues { try await live.publish(texts(0..<1), to: queue) }
      try await live.withConsumer([AMQPSubscription(queue: queues[0], prefetch: 5)]) { consumer, inbox in
        let delivery = try await inbox.take(1)[0]
        let before = consumer.state.generations
        let results = await consumer.get(Array(queues.dropFirst()))
        #expect(results.map { $0.message?.queue } == queues.dropFirst().map { $0 })
        #expect(consumer.state.generations.starts(with: before))
        #expect(consumer.state.generations.count > before.count)
        #expect(consumer.isCurrent(delivery.address))
        await consumer.pause()
        #expect(await consumer.get([queues[1]]).first?.isEmpty == true)
        try await settle([delivery] + results.compactMap(\.message), consumer)
        #expect(consumer.state.stale == 0)
      }
      for queue in queues { #expect(try await live.admin.queueStatus(queue).messages == 0) }
    }
  }

  @Test func `a queue that does not exist fails alone, and its channel's messages go back`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<2), to: queue)
      try await withGetter(live) { consumer in
        let held = try #require(await consumer.get([queue]).first?.message)
        let results = await consumer.get(["no-such-queue", queue])
        #expect(results[0].error?.code == .notFound)
        #expect(results[0].error?.message.contains("no-such-queue") == true)
        #expect(results[1].message != nil)
        #expect(!consumer.isCurrent(held.address))
        #expect(consumer.state.isConnected)
        await consumer.settle([held.ack])
        try await waitUntil("the stale ack is counted") { consumer.state.stale == 1 }
        let other = try #require(await consumer.get([queue]).first?.message)
        try await settle([try #require(results[1].message), other], consumer)
      }
      #expect(try await live.admin.queueStatus(queue).messages == 0)
      #expect(live.log.count(.warning, "the broker closed a channel for gets") == 1)
      #expect(live.log.count(.error, "") == 0)
    }
  }

  @Test func `sixty of one queue are held over three channels, acked in any order`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish(texts(0..<70), to: queue)
      try await withGetter(live) { consumer in
        let messages = await consumer.get(Array(repeating: queue, count: 60)).compactMap(\.message)
        #expect(messages.count == 60)
        #expect(Set(messages.map(\.text)).count == 60)
        let perChannel = Dictionary(grouping: messages, by: \.address.channel)
        #expect(perChannel.values.map(\.count).sorted() == [12, 24, 24])
        for held in perChannel.values { #expect(held.map(number) == held.map(number).sorted()) }
        try await settle(messages.shuffled(), consumer)
        #expect(consumer.state.stale == 0)
      }
      #expect(try await live.admin.queueStatus(queue).messages == 10)
    }
  }

  @Test func `without a connection a get fails at once`() async throws {
    let configuration = try AMQPConfiguration(url: "amqp://127.0.0.1:\(try freePort())")
    try await Live(configuration).withConsumer([]) { consumer, _ in
      let begin = ContinuousClock.now
      let results = await consumer.get(["a", "b"])
      #expect(results.count == 2)
      #expect(results.allSatisfy { $0.error?.code == .unreachable })
      #expect(ContinuousClock.now - begin < .seconds(30))
      #expect(await consumer.get([]).isEmpty)
    }
  }

  @Test func `an oversize body is skimmed, and the next message is whole`() async throws {
    let live = try await Live.shared()
    var configuration = live.configuration
    configuration.maxBodyBytes = 200_000
    try await live.withQueue { queue in
      try await live.publish([[UInt8](repeating: 7, count: 1_000_000), [1, 2, 3]], to: queue)
      try await withGetter(Live(configuration)) { consumer in
        let messages = await consumer.get([queue, queue]).compactMap(\.message)
        #expect(messages.first?.oversize?.bytes == 1_000_000)
        #expect(messages.first?.body.count == 4096)
        #expect(messages.last?.body == [1, 2, 3])
        try await settle(messages, consumer)
      }
    }
  }

  /// What was settled must stay settled when the broker reads its log again, and what was not must come back once.
  @Test func `a lost connection gives all back, few of a queue in order, and a restart changes nothing of it`()
    async throws
  {
    try await Live.withBroker { broker, live in
      try await live.withQueues([Live.quorum, Live.quorum]) { queues in
        let (few, many) = (queues[0], queues[1])
        try await live.publish(texts(0..<10), to: few)
        try await live.publish(texts(0..<70), to: many)
        try await withGetter(live) { consumer in
          let first = await consumer.get(Array(repeating: few, count: 8)).compactMap(\.message)
          let held = await consumer.get(Array(repeating: many, count: 60)).compactMap(\.message)
          #expect(first.count + held.count == 68)
          try await settle(held.filter { number($0) % 3 == 0 }, consumer)

          async let asked = consumer.get(Array(repeating: many, count: 8))
          _ = try await broker.rabbitmqctl("close_all_connections", "drill")
          #expect(await asked.allSatisfy { $0.message != nil || $0.error?.code == .closedByBroker })
          try await waitUntil("they are lost") { !(first + held).contains { consumer.isCurrent($0.address) } }
          try await waitUntil("it is connected again") { consumer.state.isConnected }
          await consumer.settle([first[0].ack, held[1].ack])
          try await waitUntil("the stale acks are counted") { consumer.state.stale == 2 }

          let again = await consumer.get(Array(repeating: few, count: 10)).compactMap(\.message)
          #expect(again.map(number) == Array(0..<10))
          #expect(again.map(\.redelivered) == Array(repeating: true, count: 8) + [false, false])
          let back = await consumer.get(Array(repeating: many, count: 51)).compactMap(\.message)
          #expect(back.map(number).sorted() == (0..<70).filter { $0 % 3 != 0 || $0 >= 60 })
          try await settle(again + back.prefix(20), consumer)

          try await broker.stop()
          try await waitUntil("it knows") { !consumer.state.isConnected }
          try await broker.start()
          try await waitUntil("it is connected again") { consumer.state.isConnected }
          let last = await consumer.get([few] + Array(repeating: many, count: 31))
          #expect(last.compactMap(\.message).map(number).sorted() == back.dropFirst(20).map(number).sorted())
          #expect(last.count { $0.isEmpty } == 2)
          try await settle(last.compactMap(\.message), consumer)
        }
        for queue in queues { #expect(try await live.admin.queueStatus(queue).messages == 0) }
      }
    }
  }

  private func number(_ delivery: AMQPDelivery) -> Int { Int(delivery.text) ?? -1 }
}
