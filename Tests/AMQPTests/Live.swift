import Confinement
import Foundation
import TestKit
import Testing

@testable import AMQP

/// What live tests share: a broker, queues of their own that are gone afterwards, a consumer and a publisher that run
/// while the test does.
struct Live {
  /// Live tests run only where a broker is named for them.
  static var isWanted: Bool { ProcessInfo.processInfo.environment["TOLLWAY_TEST_AMQP_URL"] != nil }
  static let quorum: AMQPTable = ["x-queue-type": "quorum"]

  let configuration: AMQPConfiguration
  let admin: AMQPAdmin
  let log = RecordingLog()

  init(_ configuration: AMQPConfiguration) {
    self.configuration = configuration
    admin = AMQPAdmin(configuration: configuration)
  }

  static func shared() async throws -> Live {
    Live(try AMQPConfiguration(url: try await LiveBroker.shared().url, name: "amqp-tests"))
  }

  /// With a broker of the test's own, which is ended whatever happens.
  static func withBroker(
    options: String = "", _ body: (LiveBroker, Live) async throws -> Void
  ) async throws {
    let broker = try await LiveBroker.dedicated()
    let live = Live(try AMQPConfiguration(url: broker.url + options))
    let result = await Result { try await body(broker, live) }
    await live.admin.close()
    try await broker.stop()
    try result.get()
  }

  /// Queues declared with each `arguments`; deleted afterwards, whatever happens.
  func withQueues(_ arguments: [AMQPTable], _ body: ([String]) async throws -> Void) async throws {
    let names = arguments.map { _ in Namespace.unique() }
    for (name, arguments) in zip(names, arguments) { _ = try await admin.queueDeclare(name, arguments: arguments) }
    let result = await Result { try await body(names) }
    for name in names { try await admin.queueDelete(name) }
    await admin.close()
    try result.get()
  }

  func withQueue(_ arguments: AMQPTable = Self.quorum, _ body: (String) async throws -> Void) async throws {
    try await withQueues([arguments]) { try await body($0[0]) }
  }

  /// A publisher that is connected.
  func withPublisher(
    window: AMQPPublisher.Window = .init(), _ body: (AMQPPublisher) async throws -> Void
  ) async throws {
    let publisher = AMQPPublisher(configuration: configuration, window: window, logger: log.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await publisher.run() }
      #expect(await publisher.connected())
      try await body(publisher)
      group.cancelAll()
    }
  }

  /// A consumer and its inbox.
  func withConsumer(
    _ subscriptions: [AMQPSubscription], _ body: (AMQPConsumer, Inbox) async throws -> Void
  ) async throws {
    let mailbox = Mailbox<AMQPDelivery>()
    let consumer = AMQPConsumer(
      configuration: configuration, subscriptions: subscriptions, inbox: mailbox, logger: log.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await consumer.run() }
      try await body(consumer, Inbox(mailbox: mailbox))
      group.cancelAll()
    }
  }

  func publish(_ bodies: [[UInt8]], to queue: String, configure: (inout AMQPProperties) -> Void = { _ in }) async throws
  {
    try await withPublisher { publisher in
      let batch = bodies.enumerated().map { index, body in
        var properties = AMQPProperties()
        properties.messageId = "\(index)"
        properties.deliveryMode = .persistent
        configure(&properties)
        return AMQPPublication(exchange: "", routingKey: queue, properties: properties, body: body)
      }
      let results = await publisher.publish(batch)
      #expect(results.allSatisfy { $0 == .confirmed })
    }
  }
}

/// The receiving end of a consumer.
struct Inbox {
  let mailbox: Mailbox<AMQPDelivery>

  /// At least `count` deliveries.
  func take(_ count: Int, within limit: Duration = .seconds(20)) async throws -> [AMQPDelivery] {
    var all: [AMQPDelivery] = []
    try await waitUntil("\(count) deliveries came", within: limit) {
      if mailbox.count > 0 { all += await mailbox.take() }
      return all.count >= count
    }
    return all
  }
}

extension AMQPDelivery {
  var text: String { String(decoding: body, as: UTF8.self) }
  var ack: AMQPSettlement { AMQPSettlement(address, .ack) }
}

extension Result where Failure == any Error {
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

/// The error of a call that must fail.
func failure(_ body: () async throws -> Void) async -> AMQPError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? AMQPError
  }
}
