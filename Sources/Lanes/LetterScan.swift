import AMQP
import Contracts
import Logging

/// Goes once through all messages of a queue of letters and leaves them there: consumers take them without acking, and
/// when those close the broker puts back what was not acked.
///
/// It is not done with `basic.get`: a quorum queue of RabbitMQ 3.10 treats each unacked get as a consumer of its own, and
/// when more than 32 of those end with their connection it returns their messages in an order that it does not find
/// again when it reads its log after a restart. Then later acks remove other messages than they were meant for. Nor are
/// messages counted beforehand: the number that a declaration answers can be seconds old.
struct LetterScan: Sendable {
  /// With this many windows full, what lies behind is not seen.
  private static let windowLimit = 64
  /// For a consumer to start, or for a message that is there to be delivered.
  private static let patience = Duration.seconds(5)

  let queue: String
  let admin: AMQPAdmin
  let configuration: AMQPConfiguration
  let logger: Logger

  /// One message on the way through.
  struct Found {
    let letter: Letter
    let message: AMQPDelivery
    fileprivate let window: LetterWindow

    /// Removes it from the queue.
    func ack() async { await window.ack(message.address) }
  }

  /// Shows every message that is in the queue now, until `each` says false; then calls `atEnd`, while all are still held.
  /// Returns whether all were seen.
  func run(
    _ each: (Found) async throws -> Bool, atEnd: () async throws -> Void = {}
  ) async throws -> Bool {
    _ = try await admin.queueStatus(queue)  // says whether it exists
    return try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      var windows: [LetterWindow] = []
      var isMoreWanted = true
      func show(_ messages: [AMQPDelivery], of window: LetterWindow) async throws {
        for message in messages where isMoreWanted {
          isMoreWanted = try await each(Found(letter: Letter(message), message: message, window: window))
        }
      }
      var isEnd = false
      while !isEnd, isMoreWanted, windows.count < Self.windowLimit {
        let window = LetterWindow(queue: queue, configuration: configuration, logger: logger)
        windows.append(window)
        group.addTask { await window.run() }
        guard await window.isStarted(within: Self.patience) else { throw AMQPError.silent(queue) }
        isEnd = try await read(window) { messages in
          try await show(messages, of: window)
          return isMoreWanted
        }
      }
      // A window that was full may have taken more since, where letters of it were acked.
      for window in windows where isEnd { try await show(await window.rest(), of: window) }
      try await atEnd()
      return isEnd && isMoreWanted
    }
  }

  /// Reads until nothing is left in the queue (true), or until the window is full or no more is wanted (false).
  private func read(
    _ window: LetterWindow, _ show: ([AMQPDelivery]) async throws -> Bool
  ) async throws -> Bool {
    var lastArrival = ContinuousClock.now
    while true {
      let messages = await window.arrived()
      if !messages.isEmpty {
        lastArrival = .now
        guard try await show(messages) else { return false }
      } else if try await isEmpty() {
        return true
      } else if await window.isFull {
        return false
      } else if .now - lastArrival > Self.patience {
        throw AMQPError.silent(queue)
      }
    }
  }

  /// Whether everything was given out. The queue's leader answers this after all it did before.
  private func isEmpty() async throws -> Bool {
    guard let message = try await admin.get(queue) else { return true }
    await admin.settle([AMQPSettlement(message.address, .requeue)])
    try await admin.flush()
    return false
  }
}

extension AMQPError {
  fileprivate static func silent(_ queue: String) -> AMQPError {
    AMQPError(.timeout, "the broker does not deliver from \(queue)", .retry)
  }
}
