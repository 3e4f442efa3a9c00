import AMQP
import Confinement
import Contracts
import Logging

/// Goes once through all messages of a queue of letters and leaves them there. One consumer takes them all without
/// acking; when it closes, the broker puts back what was not acked.
///
/// It is not done with `basic.get`: a quorum queue of RabbitMQ 3.10 treats each unacked get as a consumer of its own, and
/// when more than 32 of those end with their connection it returns their messages in an order that it does not find
/// again when it reads its log after a restart. Then later acks remove other messages than they were meant for.
struct LetterScan: Sendable {
  typealias Acks = ([AMQPSettlement]) async -> Void

  /// The most messages that a consumer may hold in AMQP 0-9-1; those behind are seen once some of these were acked.
  private static let prefetch = Int(UInt16.max)
  /// Of bodies in hand; above it the broker is asked to stop for a while.
  private static let byteLimit = 16 << 20
  /// Nothing new for so long means that somebody else took the rest.
  private static let patience = Duration.seconds(2)

  let queue: String
  let admin: AMQPAdmin
  let configuration: AMQPConfiguration
  let logger: Logger

  /// Shows every message that is in the queue now, until `each` says false; then calls `atEnd`, while all are still
  /// held. Returns how many messages there are.
  func run(
    _ each: (_ letter: Letter, _ message: AMQPDelivery, _ acks: Acks) async throws -> Bool,
    atEnd: (_ acks: Acks) async throws -> Void = { _ in }
  ) async throws -> Int {
    let total = try await admin.queueStatus(queue).messages
    guard total > 0 else { return 0 }
    let inbox = Mailbox<AMQPDelivery>()
    let consumer = AMQPConsumer(
      configuration: configuration, subscriptions: [AMQPSubscription(queue: queue, prefetch: Self.prefetch)],
      inbox: inbox, logger: logger)
    var acked = 0
    let acks: Acks = { settlements in
      acked += settlements.count
      await consumer.settle(settlements)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await consumer.run() }
      defer { group.cancelAll() }
      var seen = 0
      reading: while seen < total {
        let messages = await Self.next(of: inbox)
        if messages.isEmpty { break }
        let isMuch = messages.reduce(0) { $0 + $1.body.count } > Self.byteLimit
        if isMuch { await consumer.pause() }
        for message in messages {
          seen += 1
          guard try await each(Letter(message), message, acks) else { break reading }
        }
        if isMuch { await consumer.resume() }
      }
      try await atEnd(acks)
    }
    try await returned(total - acked)
    return total
  }

  /// Empty when nothing came for a while.
  private static func next(of inbox: Mailbox<AMQPDelivery>) async -> [AMQPDelivery] {
    let alarm = Task {
      do { try await Task.sleep(for: patience) } catch { return }
      inbox.close()
    }
    defer { alarm.cancel() }
    return await inbox.take()
  }

  /// Waits until the broker shows what was held, so that the next command finds it. Not for ever: others may take it.
  private func returned(_ count: Int) async throws {
    let end = ContinuousClock.now + Self.patience
    while try await admin.queueStatus(queue).messages < count, .now < end {
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}
