import Logging
import TestKit
import Testing

@testable import AMQP

@Suite(.enabled(if: Live.isWanted))
struct LivePublisherTests {
  private func publication(_ index: Int, to queue: String, exchange: String = "", bytes: Int = 100) -> AMQPPublication {
    var properties = AMQPProperties()
    properties.messageId = "\(index)"
    return AMQPPublication(
      exchange: exchange, routingKey: queue, properties: properties,
      body: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: bytes))
  }

  @Test func `large batches of many callers are confirmed within a small window`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      var window = AMQPPublisher.Window()
      window.publications = 100
      window.bytes = 5000
      try await live.withPublisher(window: window) { publisher in
        let confirmed = await withTaskGroup(of: Int.self) { group in
          for caller in 0..<4 {
            group.addTask {
              let batch = (0..<1000).map { publication(caller * 1000 + $0, to: queue) }
              return await publisher.publish(batch).count { $0 == .confirmed }
            }
          }
          return await group.reduce(0, +)
        }
        #expect(confirmed == 4000)
        try await waitUntil("nothing is unconfirmed") { publisher.state.unconfirmed == 0 }
        #expect(publisher.state.waiting == 0)
      }
      try await waitUntil("all are ready") { try await live.admin.queueStatus(queue).messages == 4000 }
    }
  }

  @Test func `returned publications are found among confirmed ones`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.withPublisher { publisher in
        let batch = (0..<300).map { publication($0, to: $0.isMultiple(of: 3) ? "no-such-queue" : queue) }
        let results = await publisher.publish(batch)
        for (index, result) in results.enumerated() {
          #expect(result == (index.isMultiple(of: 3) ? .returned(code: 312, text: "NO_ROUTE") : .confirmed))
        }
      }
    }
  }

  @Test func `a full queue that rejects nacks`() async throws {
    let live = try await Live.shared()
    try await live.withQueue(["x-max-length": 1, "x-overflow": "reject-publish"]) { queue in
      try await live.withPublisher { publisher in
        #expect(await publisher.publish([publication(1, to: queue)]) == [.confirmed])
        #expect(await publisher.publish([publication(2, to: queue)]) == [.nacked])
      }
    }
  }

  @Test func `an exchange that does not exist loses what was unanswered, and the next batch goes through`() async throws
  {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.withPublisher { publisher in
        let results = await publisher.publish([publication(1, to: "x", exchange: "no-such-exchange")])
        guard case .lost(let error) = results[0] else { return #expect(Bool(false), "got \(results[0])") }
        #expect(error.code == .notFound)
        #expect(error.message.contains("no-such-exchange"))
        #expect(await publisher.publish([publication(2, to: queue)]) == [.confirmed])
      }
      #expect(live.log.count(.error, "closed the publishing channel") == 1)
    }
  }

  @Test func `what cannot be expressed is lost for good, and its neighbours are confirmed`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      try await live.withPublisher { publisher in
        let long = publication(1, to: String(repeating: "q", count: 300))
        let results = await publisher.publish([publication(0, to: queue), long, publication(2, to: queue)])
        #expect(results[0] == .confirmed)
        #expect(results[2] == .confirmed)
        guard case .lost(let error) = results[1] else { return #expect(Bool(false), "got \(results[1])") }
        #expect(error.disposition == .permanent)
      }
    }
  }

  @Test func `without a connection a publication is lost at once, and a stopped publisher lets nobody wait`()
    async throws
  {
    let configuration = try AMQPConfiguration(url: "amqp://127.0.0.1:\(try freePort())")
    let log = RecordingLog()
    let publisher = AMQPPublisher(configuration: configuration, logger: log.logger)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await publisher.run() }
      while log.count(.error, "connection to the broker out of order") == 0 { await Task.yield() }
      let results = await publisher.publish([publication(1, to: "q")])
      guard case .lost(let error) = results[0] else { return #expect(Bool(false), "got \(results[0])") }
      #expect(error.disposition == .reconnect)
      #expect(publisher.state.isConnected == false)
      group.cancelAll()
    }
    #expect(await publisher.connected() == false)
    #expect(await publisher.publish([publication(1, to: "q")]) == [.lost(.closed)])
    #expect(log.count(.error, "connection to the broker out of order") == 1)
  }

  @Test func `a stopped publisher waits for the answers of what it sent`() async throws {
    let live = try await Live.shared()
    try await live.withQueue { queue in
      var window = AMQPPublisher.Window()
      window.publications = 10
      let publisher = AMQPPublisher(configuration: live.configuration, window: window, logger: live.log.logger)
      let running = Task { await publisher.run() }
      #expect(await publisher.connected())
      async let results = publisher.publish((0..<1000).map { publication($0, to: queue) })
      try await waitUntil("something is on its way") { publisher.state.unconfirmed > 0 }
      running.cancel()
      await running.value
      #expect(await results.allSatisfy { $0 == .confirmed })
    }
  }

  @Test func `a broker out of memory blocks publishing, and it goes on afterwards`() async throws {
    try await Live.withBroker { broker, live in
      try await live.withQueue { queue in
        try await live.withPublisher { publisher in
          #expect(await publisher.publish([publication(0, to: queue)]) == [.confirmed])
          _ = try await broker.rabbitmqctl("set_vm_memory_high_watermark", "0.0000001")
          // The broker says so to a connection that publishes.
          async let held = publisher.publish([publication(1, to: queue)])
          async let many = blocked(publisher, (2..<500).map { publication($0, to: queue, bytes: 10_000) })
          let blocked = await Result {
            try await waitUntil("the others wait") { publisher.state.waiting == 498 }
            #expect(publisher.state.unconfirmed == 1)
            #expect(publisher.state.isConnected)
          }
          _ = try await broker.rabbitmqctl("set_vm_memory_high_watermark", "0.6")
          try blocked.get()
          #expect(await held == [.confirmed])
          #expect(try await many.allSatisfy { $0 == .confirmed })
          #expect(!publisher.state.isBlocked)
        }
        #expect(live.log.count(.error, "takes no publications") == 1)
        #expect(live.log.count(.notice, "takes publications again") == 1)
      }
    }
  }

  /// Publishes once the publisher knows that it is blocked.
  private func blocked(_ publisher: AMQPPublisher, _ batch: [AMQPPublication]) async throws -> [AMQPPublishResult] {
    try await waitUntil("the publisher knows that it is blocked") { publisher.state.isBlocked }
    return await publisher.publish(batch)
  }
}
