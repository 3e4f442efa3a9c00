package import AMQP

/// Takes messages to the broker for a command: stays with them until each is confirmed and routed, but not for ever.
/// What it gave up on may have arrived all the same; sending it again is harmless, because a job's id and a replay's run
/// are recognised. Safe to share.
package struct Courier: Sendable {
  private let publisher: AMQPPublisher

  init(publisher: AMQPPublisher) { self.publisher = publisher }

  /// Whether there is a connection and the broker has not said that it takes nothing.
  package var isTaking: Bool { publisher.state.isConnected && !publisher.state.isBlocked }

  /// Publishes a batch. Throws after `limit`, and at once where trying again would not help: nothing that takes the
  /// message, credentials, a message that AMQP cannot express.
  package func send(_ dispatches: [Dispatch], within limit: Duration = .seconds(20)) async throws(AMQPError) {
    let end = ContinuousClock.now + limit
    var remaining = dispatches.map(\.publication)
    while !remaining.isEmpty {
      guard let results = await publish(remaining, until: end) else { throw unanswered }
      var failed: [AMQPPublication] = []
      var reason = AMQPError.unconfirmed
      for (publication, result) in zip(remaining, results) {
        switch result {
        case .confirmed: continue
        case .returned: throw AMQPError(.notFound, "no queue takes messages of '\(publication.exchange)'", .permanent)
        case .nacked: reason = AMQPError(.closedByBroker, "a queue refuses messages: it is full or failing", .retry)
        case .lost(let error): reason = error
        }
        failed.append(publication)
      }
      remaining = failed
      if remaining.isEmpty { return }
      guard reason.disposition != .permanent, .now < end else { throw reason }
      do { try await Task.sleep(for: .milliseconds(20)) } catch { throw reason }
    }
  }
}

extension Courier {
  /// Nil when the answers are not there in time. The publisher goes on waiting for them and cannot be told otherwise: it
  /// is let go of when the courier's body has ended.
  private func publish(
    _ publications: [AMQPPublication], until end: ContinuousClock.Instant
  ) async -> [AMQPPublishResult]? {
    let (outcomes, outcome) = AsyncStream.makeStream(of: [AMQPPublishResult]?.self)
    Task { outcome.yield(await publisher.publish(publications)) }
    let alarm = Task {
      do { try await Task.sleep(until: end, clock: .continuous) } catch { return }
      outcome.yield(nil)
    }
    defer { alarm.cancel() }
    for await results in outcomes { return results }
    return nil
  }

  private var unanswered: AMQPError {
    AMQPError(
      .timeout,
      publisher.state.isBlocked
        ? "the broker takes no publications: it is out of memory or disk (rabbitmqctl list_alarms)"
        : "the broker confirms nothing", .retry)
  }
}

extension AMQPError {
  fileprivate static let unconfirmed = AMQPError(.timeout, "the broker confirmed nothing", .retry)
}
