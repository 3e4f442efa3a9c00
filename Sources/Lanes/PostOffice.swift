import AMQP
package import Contracts
import Logging

/// Everything that leaves the fleet's processes for the broker: builds the messages and stays with them until they are
/// confirmed and routed. Safe to share.
package struct PostOffice: Sendable {
  package let topology: Topology
  private let publisher: AMQPPublisher
  private let logger: Logger

  init(topology: Topology, publisher: AMQPPublisher, logger: Logger) {
    self.topology = topology
    self.publisher = publisher
    self.logger = logger
  }

  /// Keeps the connection until cancelled.
  package func run() async { await publisher.run() }

  /// Publishes and returns when every message is confirmed and, where it must be, routed. What fails is sent again,
  /// with pauses, for as long as it takes. False when the task was cancelled first; then some may have gone out.
  package func deliver(_ dispatches: [Dispatch]) async -> Bool {
    await deliver(dispatches, givingUpMissing: false) != nil
  }

  /// As `deliver`, to exchanges or queues that may be missing: publishing to the one closes the channel for everybody,
  /// what is sent to the other comes back. Which messages arrived; nil when the task was cancelled first.
  package func deliverWherePossible(_ dispatches: [Dispatch]) async -> [Bool]? {
    await deliver(dispatches, givingUpMissing: true)
  }

  /// Whether there is a connection and the broker has not said that it takes nothing.
  package var isTaking: Bool { publisher.state.isConnected && !publisher.state.isBlocked }

  /// Publishes a message that no queue gets; returns with its confirm, however long the broker takes nothing, or when the
  /// connection is gone.
  func probe() async -> AMQPPublishResult {
    let probe = AMQPPublication(exchange: "", routingKey: topology.pulse, mandatory: false, body: [])
    return await publisher.publish([probe])[0]
  }

  private func deliver(_ dispatches: [Dispatch], givingUpMissing: Bool) async -> [Bool]? {
    var arrived = [Bool](repeating: false, count: dispatches.count)
    var remaining = dispatches.enumerated().map { (index: $0, publication: $1.publication) }
    var outage = Outage(logger: logger)
    while !remaining.isEmpty {
      let results = await publisher.publish(remaining.map(\.publication))
      var failed: [(index: Int, publication: AMQPPublication)] = []
      var reason = ""
      for ((index, publication), result) in zip(remaining, results) {
        switch result {
        case .confirmed:
          arrived[index] = true
          continue
        case .returned where givingUpMissing: continue
        case .returned: reason = "no queue takes messages of exchange '\(publication.exchange)'"
        case .nacked: reason = "a queue behind exchange '\(publication.exchange)' refuses messages"
        case .lost(let error) where error.code == .invalidPublication:
          // It can never be sent as it is, and would hold up everything behind it.
          reason = "\(error)"
          if let plain = withoutForeignHeaders(publication) {
            failed.append((index, plain))
          } else {
            drop(publication, error)
          }
          continue
        case .lost(let error) where error.code == .notFound && givingUpMissing: continue
        case .lost(let error): reason = "\(error)"
        }
        failed.append((index, publication))
      }
      remaining = failed
      if remaining.isEmpty { break }
      outage.begin(reason, count: remaining.count)
      guard await outage.pause() else { return nil }
      guard await publisher.connected() else { return nil }
    }
    outage.end()
    return arrived
  }

  /// Nil when it has no headers but ours already.
  private func withoutForeignHeaders(_ publication: AMQPPublication) -> AMQPPublication? {
    let given = publication.properties
    var plain = AMQPProperties()
    plain.contentType = given.contentType
    plain.messageId = given.messageId
    plain.deliveryMode = given.deliveryMode
    plain.headers.entries = given.headers.entries.filter { $0.key.hasPrefix(Header.prefix) }
    guard plain != given else { return nil }
    return AMQPPublication(
      exchange: publication.exchange, routingKey: publication.routingKey, mandatory: publication.mandatory,
      properties: plain, body: publication.body)
  }

  private func drop(_ publication: AMQPPublication, _ error: AMQPError) {
    logger.error(
      "a message cannot be sent in any form and is dropped",
      metadata: [
        LogKey.error: "\(error)", "exchange": "\(publication.exchange)",
        LogKey.count: "\(publication.body.count) bytes",
      ])
  }
}

/// One failure to deliver, logged once at its begin and once at its end.
private struct Outage {
  let logger: Logger
  private var since: ContinuousClock.Instant?
  private var wait = Duration.milliseconds(20)

  init(logger: Logger) { self.logger = logger }

  mutating func begin(_ reason: String, count: Int) {
    guard since == nil else { return }
    since = .now
    logger.error("messages wait to be delivered", metadata: [LogKey.reason: "\(reason)", LogKey.count: "\(count)"])
  }

  /// Waits a little longer each time, 2 s at most. False when cancelled.
  mutating func pause() async -> Bool {
    do { try await Task.sleep(for: wait) } catch { return false }
    wait = min(wait * 2, .seconds(2))
    return true
  }

  func end() {
    guard let since else { return }
    logger.info("messages are delivered again", metadata: [LogKey.duration: "\(ContinuousClock.now - since)"])
  }
}
