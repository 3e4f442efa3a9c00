package import AMQP
import Confinement
import Contracts
import Logging
import Synchronization

/// A command's own queue, listened to over one connection that is kept alive. A message counts as heard, and is gone,
/// when `next` has returned it.
package final class Listener: Sendable {
  package struct Heard: Sendable {
    package let body: [UInt8]
    /// The length of a body that was too large to be kept: then `body` is only its beginning.
    package let oversize: Int?
  }

  /// Of a body; results and cost events are far below.
  static let maximumBytes = 16 << 20
  /// Messages in hand, which bounds the memory.
  private static let prefetch = 200
  /// A queue that nobody listens to any more is deleted by the broker.
  private static let expiry: Duration = .seconds(60)

  package let queue: String
  private let consumer: AMQPConsumer
  private let inbox: Mailbox<AMQPDelivery>
  private let ending: Fault

  /// Why there is nothing more to hear, shared with the consumer's thread.
  private final class Fault: Sendable {
    let error = Mutex<AMQPError?>(nil)
  }

  init(queue: String, configuration: AMQPConfiguration, logger: Logger) {
    let inbox = Mailbox<AMQPDelivery>()
    let fault = Fault()
    self.queue = queue
    self.inbox = inbox
    ending = fault
    consumer = AMQPConsumer(
      configuration: configuration, subscriptions: [AMQPSubscription(queue: queue, prefetch: Self.prefetch)],
      inbox: inbox, logger: logger
    ) { event in
      guard case .subscriptionLost(_, let error) = event, error.disposition == .permanent else { return }
      fault.error.withLock { $0 = error }
      inbox.close()
    }
  }

  func run() async { await consumer.run() }

  /// Waits for messages and returns all that are there; empty when `end` was called or the queue is gone: see `fault`.
  package func next() async -> [Heard] {
    let deliveries = await inbox.take()
    await consumer.settle(deliveries.map { AMQPSettlement($0.address, .ack) })
    return deliveries.map { Heard(body: $0.body, oversize: $0.oversize?.bytes) }
  }

  package var fault: AMQPError? { ending.error.withLock { $0 } }

  package func end() { inbox.close() }
}

extension Listener {
  /// Not one of the fleet's own names, which a job may not give for its results.
  static func queueName(in topology: Topology) -> String {
    let prefix = topology.namespace.isEmpty ? "" : "\(topology.namespace)."
    return "\(prefix)tollway.listener.\(String(UInt64.random(in: .min ... .max), radix: 36))"
  }

  /// Durable, so that it outlives a restart of the broker as what is sent to it does.
  static func declare(
    _ queue: String, on exchange: String?, limit: Int?, through admin: AMQPAdmin
  ) async throws(AMQPError) {
    var arguments: AMQPTable = ["x-expires": .int(expiry.milliseconds)]
    if let limit { arguments["x-max-length"] = .int(Int64(limit)) }
    _ = try await admin.queueDeclare(queue, arguments: arguments)
    if let exchange { try await admin.queueBind(queue, to: exchange, routingKey: "#") }
  }

  static func drop(_ queue: String, through admin: AMQPAdmin, logger: Logger) async {
    do throws(AMQPError) {
      try await admin.queueDelete(queue)
    } catch {
      logger.debug("the broker will delete a queue of this command", metadata: [LogKey.error: "\(error)"])
    }
  }
}
