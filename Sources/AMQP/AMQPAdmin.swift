import Confinement

package enum AMQPExchangeKind: String, Sendable { case topic, fanout, direct, headers }

/// A queue as the broker sees it at that moment.
package struct AMQPQueueStatus: Sendable, Hashable {
  /// Ready ones, unsettled deliveries not included.
  package var messages: Int
  package var consumers: Int
}

/// Shapes and inspects the broker, call by call, over a connection of its own on a thread of its own: for topology and
/// commands, not for traffic. Connects with the first call and anew with the first after a loss.
///
/// Each call throws what the broker says against it (404 `.notFound`, 406 `.preconditionFailed`, 403 `.accessRefused`);
/// the broker closes the channel with that, the next call opens another, and messages got before go back to their
/// queue.
package actor AMQPAdmin {
  private let executor: ThreadExecutor
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let channel: CallChannel

  package init(configuration: AMQPConfiguration) {
    executor = ThreadExecutor(name: "amqp-admin")
    channel = CallChannel(configuration: configuration)
  }

  deinit { executor.stop() }

  /// Runs `body` with an administrator of its own and closes it behind.
  package static func with<Result: Sendable>(
    _ configuration: AMQPConfiguration, _ body: (AMQPAdmin) async throws -> Result
  ) async throws -> Result {
    let admin = AMQPAdmin(configuration: configuration)
    do {
      let result = try await body(admin)
      await admin.close()
      return result
    } catch {
      await admin.close()
      throw error
    }
  }

  /// What the broker says about itself, `product` and `version` among it. Connects if need be.
  package func serverProperties() throws(AMQPError) -> AMQPTable {
    keepAlive()
    return try channel.connect().serverProperties
  }

  /// Says goodbye; messages got and not settled go back to their queue. A later call connects anew.
  package func close() { channel.close() }

  // MARK: calls

  package func exchangeDeclare(
    _ name: String, _ kind: AMQPExchangeKind, durable: Bool = true, passive: Bool = false,
    internal isInternal: Bool = false,
    arguments: AMQPTable = [:]
  ) throws(AMQPError) {
    _ = try call { writer in
      writer.exchangeDeclare(
        name, kind, durable: durable, passive: passive, internal: isInternal, arguments: arguments,
        channel: CallChannel.number)
    }
  }

  package func exchangeDelete(_ name: String) throws(AMQPError) {
    _ = try call { $0.exchangeDelete(name, channel: CallChannel.number) }
  }

  package func exchangeBind(
    _ destination: String, to source: String, routingKey: String = "", arguments: AMQPTable = [:]
  ) throws(AMQPError) {
    _ = try call {
      $0.exchangeBind(
        destination, to: source, routingKey: routingKey, arguments: arguments, channel: CallChannel.number)
    }
  }

  package func queueDeclare(
    _ name: String, durable: Bool = true, exclusive: Bool = false, autoDelete: Bool = false, arguments: AMQPTable = [:]
  ) throws(AMQPError) -> AMQPQueueStatus {
    try declare(name, durable, exclusive, autoDelete, passive: false, arguments)
  }

  /// Only looks; throws `.notFound` when there is none.
  package func queueStatus(_ name: String) throws(AMQPError) -> AMQPQueueStatus {
    try declare(name, false, false, false, passive: true, [:])
  }

  package func queueBind(
    _ queue: String, to exchange: String, routingKey: String = "", arguments: AMQPTable = [:]
  ) throws(AMQPError) {
    _ = try call {
      $0.queueBind(queue, to: exchange, routingKey: routingKey, arguments: arguments, channel: CallChannel.number)
    }
  }

  /// Returns how many messages were dropped.
  @discardableResult
  package func queuePurge(_ queue: String) throws(AMQPError) -> Int {
    try removed(try call { $0.queuePurge(queue, channel: CallChannel.number) })
  }

  /// Returns how many messages went with it. With `ifEmpty`, one that is not empty is `.preconditionFailed`.
  @discardableResult
  package func queueDelete(_ queue: String, ifEmpty: Bool = false) throws(AMQPError) -> Int {
    try removed(try call { $0.queueDelete(queue, ifEmpty: ifEmpty, channel: CallChannel.number) })
  }

  /// The first message, to be settled with `settle`; nil when there is none.
  package func get(_ queue: String) throws(AMQPError) -> AMQPDelivery? {
    guard case .got(var delivery) = try call({ $0.get(queue, channel: CallChannel.number) }) else { return nil }
    delivery.queue = queue
    return delivery
  }

  /// Sent with the next call, `flush` or `close`. A delivery from before a loss is left alone: it is back in its queue.
  package func settle(_ settlements: [AMQPSettlement]) { channel.settle(settlements) }

  /// Sends the settlements and waits until the broker has worked on them.
  package func flush() throws(AMQPError) {
    // Calls of a channel are worked on in order, so any answer will do; without consumers a prefetch changes nothing.
    _ = try call { $0.prefetch(0, channel: CallChannel.number) }
  }

  private func declare(
    _ name: String, _ durable: Bool, _ exclusive: Bool, _ autoDelete: Bool, passive: Bool, _ arguments: AMQPTable
  ) throws(AMQPError) -> AMQPQueueStatus {
    let answer = try call { writer in
      writer.queueDeclare(
        name, durable: durable, exclusive: exclusive, autoDelete: autoDelete, passive: passive, arguments: arguments,
        channel: CallChannel.number)
    }
    guard case .status(let status) = answer else { throw CallChannel.unexpected }
    return status
  }

  private func removed(_ answer: CallChannel.Answer) throws(AMQPError) -> Int {
    guard case .removed(let count) = answer else { throw CallChannel.unexpected }
    return count
  }

  private func call(_ request: (inout AMQPWriter) -> Void) throws(AMQPError) -> CallChannel.Answer {
    keepAlive()
    return try channel.call(request)
  }

  /// Between calls the thread answers heartbeats.
  private func keepAlive() {
    executor.takeTurns { [weak self] readiness in
      self?.assumeIsolated { $0.channel.idle(readiness) } ?? ThreadExecutor.Wait()
    }
  }
}
