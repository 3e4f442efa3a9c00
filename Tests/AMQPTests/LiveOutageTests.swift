import Glibc
import Logging
import TestKit
import Testing

@testable import AMQP

/// Each test stops, freezes or cuts a broker of its own.
@Suite(.enabled(if: Live.isWanted))
struct LiveOutageTests {
  private func publication(_ text: String, to queue: String) -> AMQPPublication {
    var properties = AMQPProperties()
    properties.messageId = text
    properties.deliveryMode = .persistent
    return AMQPPublication(exchange: "", routingKey: queue, properties: properties, body: Array(text.utf8))
  }

  /// Before the crash the node writes down which queues it has: killed within seconds of a declaration it may forget it.
  /// And that has a classic queue, because a quorum queue may come back without its leader then (RabbitMQ 3.10).
  @Test(arguments: [false, true])
  func `both ends survive a restart of the broker, and say it once`(crash: Bool) async throws {
    try await Live.withBroker { broker, live in
      try await live.withQueue(crash ? [:] : Live.quorum) { queue in
        try await live.withPublisher { publisher in
          try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, inbox in
            #expect(await publisher.publish([publication("before", to: queue)]) == [.confirmed])
            let before = try await inbox.take(1)
            #expect(live.log.count(.error, "connection to the broker out of order") == 0)

            if crash {
              _ = try await broker.rabbitmqctl("eval", "mnesia:sync_log().")
              try await broker.crash()
            } else {
              try await broker.stop()
            }
            try await waitUntil("both know") { !consumer.state.isConnected && !publisher.state.isConnected }
            guard case .lost = await publisher.publish([publication("lost", to: queue)])[0] else {
              return #expect(Bool(false), "a publication without a connection must be lost")
            }
            try await broker.start()
            #expect(await publisher.connected())
            #expect(await publisher.publish([publication("after", to: queue)]) == [.confirmed])
            let after = try await inbox.take(2)
            #expect(Set(after.map(\.text)) == ["before", "after"])
            #expect(after.first { $0.text == "before" }?.redelivered == true)
            #expect(after[0].address.generation > before[0].address.generation)

            await consumer.settle(before.map(\.ack))
            try await waitUntil("the stale ack is counted") { consumer.state.stale == 1 }
            #expect(consumer.state.unsettled == 2)
            await consumer.settle(after.map(\.ack))
            try await waitUntil("all are settled") { consumer.state.unsettled == 0 }
          }
        }
        // One for each end.
        #expect(live.log.count(.error, "connection to the broker out of order") == 2)
        #expect(live.log.count(.notice, "connection to the broker in order again") == 2)
        #expect(try await live.admin.queueStatus(queue).messages == 0)
      }
    }
  }

  @Test func `connections closed by the broker come back, unanswered publications are lost or answered`() async throws {
    try await Live.withBroker { broker, live in
      try await live.withQueue { queue in
        try await live.withPublisher { publisher in
          for _ in 0..<3 {
            async let results = publisher.publish((0..<5000).map { publication("\($0)", to: queue) })
            _ = try await broker.rabbitmqctl("close_all_connections", "drill")
            let all = await results
            #expect(all.count == 5000)
            #expect(
              all.allSatisfy {
                if case .lost(let error) = $0 { error.code == .closedByBroker } else { $0 == .confirmed }
              }
            )
            #expect(await publisher.connected())
          }
          #expect(await publisher.publish([publication("last", to: queue)]) == [.confirmed])
        }
      }
    }
  }

  @Test func `a frozen broker is given up after two heartbeats, and found again when it thaws`() async throws {
    try await Live.withBroker(options: "?heartbeat=2&connection_timeout=5000") { broker, live in
      let process = try await broker.rabbitmqctl("eval", "io:format(\"~s\", [os:getpid()]).")
      let id = try #require(pid_t(process.prefix { $0.isNumber }))
      try await live.withQueue { queue in
        try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, _ in
          try await live.withPublisher { publisher in
            try await waitUntil("it consumes") { consumer.state.consuming == 1 }
            kill(id, SIGSTOP)
            let begin = ContinuousClock.now
            async let results = publisher.publish((0..<100).map { publication("\($0)", to: queue) })
            let given = await Result {
              try await waitUntil("both know") { !consumer.state.isConnected && !publisher.state.isConnected }
            }
            kill(id, SIGCONT)
            try given.get()
            #expect(ContinuousClock.now - begin > .milliseconds(1900))
            guard case .lost(let error) = await results[0] else { return #expect(Bool(false), "must be lost") }
            #expect(error.message.contains("no sign of life"))
            #expect(await publisher.connected())
            try await waitUntil("it consumes again") { consumer.state.consuming == 1 }
          }
        }
      }
    }
  }

  @Test func `idle connections with a short heartbeat stay up`() async throws {
    let live = Live(try AMQPConfiguration(url: try await LiveBroker.shared().url + "?heartbeat=4"))
    try await live.withQueue { queue in
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 10)]) { consumer, _ in
        try await live.withPublisher { publisher in
          try await waitUntil("it consumes") { consumer.state.consuming == 1 }
          let until = ContinuousClock.now + .seconds(20)
          try await waitUntil("five heartbeats passed") { .now > until }
          #expect(publisher.state.isConnected)
          #expect(consumer.state.isConnected)
          #expect(try await live.admin.queueStatus(queue).consumers == 1)
        }
      }
      #expect(live.log.count(.error, "") == 0)
    }
  }
}
