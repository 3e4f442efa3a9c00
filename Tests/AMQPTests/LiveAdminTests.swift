import TestKit
import Testing

@testable import AMQP

@Suite(.enabled(if: Live.isWanted))
struct LiveAdminTests {
  @Test func `it declares, binds, counts, purges and deletes`() async throws {
    let live = try await Live.shared()
    let exchange = Namespace.unique()
    try await live.withQueue { queue in
      try await live.admin.exchangeDeclare(exchange, .topic)
      try await live.admin.exchangeDeclare(exchange, .topic)
      try await live.admin.exchangeDeclare(exchange, .topic, passive: true)
      try await live.admin.queueBind(queue, to: exchange, routingKey: "a.#")
      try await live.withPublisher { publisher in
        let batch = ["a.b", "a.c", "b.c"].map { key in
          var properties = AMQPProperties()
          properties.messageId = key
          return AMQPPublication(exchange: exchange, routingKey: key, properties: properties, body: [1])
        }
        let results = await publisher.publish(batch)
        #expect(results[0] == .confirmed)
        #expect(results[1] == .confirmed)
        #expect(results[2] == .returned(code: 312, text: "NO_ROUTE"))
      }
      try await waitUntil("both messages are ready") { try await live.admin.queueStatus(queue).messages == 2 }
      let got = try #require(try await live.admin.get(queue))
      #expect(got.routingKey == "a.b")
      #expect(got.exchange == exchange)
      #expect(got.queue == queue)
      await live.admin.settle([got.ack])
      try await live.admin.flush()
      try await waitUntil("one is left") { try await live.admin.queueStatus(queue).messages == 1 }
      #expect(try await live.admin.queuePurge(queue) == 1)
      #expect(try await live.admin.get(queue) == nil)
      try await live.admin.exchangeDelete(exchange)
    }
  }

  @Test func `an error costs the channel, and the next call works`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      let missing = await failure { _ = try await live.admin.queueStatus("no-such-queue") }
      #expect(missing?.code == .notFound)
      #expect(missing?.replyCode == 404)
      #expect(missing?.disposition == .permanent)
      let between = try await live.admin.queueStatus(queue)
      #expect(between.messages == 0)
      let other = await failure { _ = try await live.admin.queueDeclare(queue, arguments: ["x-queue-type": "classic"]) }
      #expect(other?.code == .preconditionFailed)
      let reserved = await failure { try await live.admin.exchangeDeclare("amq.tollway", .topic) }
      #expect(reserved?.code == .accessRefused)
      let long = await failure { _ = try await live.admin.queueStatus(String(repeating: "q", count: 256)) }
      #expect(long?.code == .configuration)
      let after = try await live.admin.queueStatus(queue)
      #expect(after == AMQPQueueStatus(messages: 0, consumers: 0))
    }
  }

  @Test func `the broker says what it is`() async throws {
    let live = try await Live.shared()
    let properties = try await live.admin.serverProperties()
    #expect(properties["product"]?.string == "RabbitMQ")
    #expect(properties["version"]?.string?.first?.isNumber == true)
    await live.admin.close()
  }

  @Test func `a wrong password, a wrong virtual host, no listener and no such host are told apart`() async throws {
    let good = try AMQPConfiguration(url: try await LiveBroker.shared().url)
    func error(_ url: String) async throws -> AMQPError? {
      let configuration = try AMQPConfiguration(url: url)
      return await failure { _ = try await AMQPAdmin(configuration: configuration).serverProperties() }
    }
    let password = try await error("amqp://guest:wrong-secret@127.0.0.1:\(good.port)")
    #expect(password?.code == .authenticationRefused)
    #expect(password?.disposition == .permanent)
    #expect(password?.message.contains("wrong-secret") == false)
    let virtualHost = try await error("amqp://127.0.0.1:\(good.port)/none")
    #expect(virtualHost?.code == .accessRefused)
    let port = try await error("amqp://127.0.0.1:\(try freePort())")
    #expect(port?.code == .unreachable)
    #expect(port?.disposition == .reconnect)
    #expect(try await error("amqp://no-such-host.invalid")?.code == .unknownHost)
  }

  @Test func `with closes behind itself, and what was got and not settled goes back`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.publish([[1]], to: queue)
      let first = try await AMQPAdmin.with(live.configuration) { try await $0.get(queue) }
      #expect(first?.redelivered == false)
      try await waitUntil("it is back") { try await live.admin.queueStatus(queue).messages == 1 }
      let second = try await AMQPAdmin.with(live.configuration) { admin in
        let got = try await admin.get(queue)
        await admin.settle(got.map { [$0.ack] } ?? [])
        return got
      }
      #expect(second?.redelivered == true)
      #expect(try await live.admin.queueStatus(queue).messages == 0)
    }
  }
}
