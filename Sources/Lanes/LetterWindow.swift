import AMQP
import Confinement
import Logging

/// One consumer of a scan and the messages that it holds: at most `size`, which bounds the memory.
actor LetterWindow {
  static let size = 1024

  private let consumer: AMQPConsumer
  private let inbox = Mailbox<AMQPDelivery>()
  private var addresses: Set<AMQPDeliveryAddress> = []

  init(queue: String, configuration: AMQPConfiguration, logger: Logger) {
    consumer = AMQPConsumer(
      configuration: configuration, subscriptions: [AMQPSubscription(queue: queue, prefetch: Self.size)], inbox: inbox,
      logger: logger)
  }

  /// Keeps the connection until cancelled; then everything held goes back.
  func run() async { await consumer.run() }

  func isStarted(within limit: Duration) async -> Bool {
    let end = ContinuousClock.now + limit
    while consumer.state.consuming == 0 {
      guard .now < end else { return false }
      do { try await Task.sleep(for: .milliseconds(1)) } catch { return false }
    }
    return true
  }

  var isFull: Bool { addresses.count >= Self.size }

  /// What has come, after a moment for what is on its way.
  func arrived() async -> [AMQPDelivery] {
    for _ in 0..<10 where inbox.count == 0 {
      do { try await Task.sleep(for: .milliseconds(2)) } catch { return [] }
    }
    return inbox.count == 0 ? [] : await taken()
  }

  /// Ends the deliveries and returns all that came last.
  func rest() async -> [AMQPDelivery] {
    await consumer.pause()
    inbox.close()
    return await taken()
  }

  func ack(_ address: AMQPDeliveryAddress) async {
    guard addresses.remove(address) != nil else { return }
    await consumer.settle([AMQPSettlement(address, .ack)])
  }

  private func taken() async -> [AMQPDelivery] {
    let messages = await inbox.take()
    addresses.formUnion(messages.map(\.address))
    return messages
  }
}
