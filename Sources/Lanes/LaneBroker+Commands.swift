package import AMQP
import Contracts

// The ends that a command needs for a moment. Each is closed when its body has ended, however it ended.

extension LaneBroker {
  package func withAdmin<Result: Sendable>(_ body: (AMQPAdmin) async throws -> Result) async throws -> Result {
    try await AMQPAdmin.with(configuration(for: "admin"), body)
  }

  package func withLetterBox<Result: Sendable>(
    _ kind: LetterBox.Kind, _ body: (LetterBox) async throws -> Result
  ) async throws -> Result {
    try await withAdmin { admin in
      let scan = LetterScan(
        queue: kind == .dead ? topology.dead : topology.blocked, admin: admin,
        configuration: configuration(for: "letters"), logger: logger)
      return try await body(LetterBox(kind, topology: topology, scan: scan))
    }
  }

  package func withCourier<Result: Sendable>(_ body: (Courier) async throws -> Result) async throws -> Result {
    let publisher = AMQPPublisher(configuration: configuration(for: "publish"), logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await publisher.run() }
      defer { group.cancelAll() }
      return try await body(Courier(publisher: publisher))
    }
  }

  /// A queue of the command's own. It is deleted at the end; that of a command that was killed goes after a minute.
  /// - Parameters:
  ///   - exchange: whose messages it takes, all of them; nil takes only what is sent to it by name.
  ///   - limit: of messages that wait in it, the oldest are dropped then; nil for none.
  package func withListener<Result: Sendable>(
    to exchange: String? = nil, keepingAtMost limit: Int? = nil, _ body: (Listener) async throws -> Result
  ) async throws -> Result {
    let queue = Listener.queueName(in: topology)
    return try await withAdmin { admin in
      try await Listener.declare(queue, on: exchange, limit: limit, through: admin)
      let result: Result
      do {
        result = try await listen(to: queue, body)
      } catch {
        await Listener.drop(queue, through: admin, logger: logger)
        throw error
      }
      await Listener.drop(queue, through: admin, logger: logger)
      return result
    }
  }

  private func listen<Result: Sendable>(
    to queue: String, _ body: (Listener) async throws -> Result
  ) async throws -> Result {
    var configuration = configuration(for: "listen")
    configuration.maxBodyBytes = Listener.maximumBytes
    let listener = Listener(queue: queue, configuration: configuration, logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await listener.run() }
      defer { group.cancelAll() }
      return try await body(listener)
    }
  }

  /// Sends one message around through a queue of its own: what a role needs to be allowed, and an alarm would stop.
  /// Returns how long the broker took to confirm it.
  package func roundTrip() async throws -> Duration {
    let queue = Listener.queueName(in: topology)
    return try await withAdmin { admin in
      try await Listener.declare(queue, on: topology.results, limit: nil, through: admin)
      let took: Duration
      do {
        let probe = Dispatch(
          exchange: "", routingKey: queue, mandatory: true, properties: AMQPProperties(), body: Array("{}".utf8))
        took = try await withCourier { courier in
          try await courier.send([probe], within: .seconds(5))  // connects
          return try await ContinuousClock().measure { try await courier.send([probe], within: .seconds(5)) }
        }
        guard try await admin.queueStatus(queue).messages >= 2 else {
          throw AMQPError(.notFound, "confirmed messages did not arrive in their queue", .permanent)
        }
      } catch {
        await Listener.drop(queue, through: admin, logger: logger)
        throw error
      }
      await Listener.drop(queue, through: admin, logger: logger)
      return took
    }
  }
}
