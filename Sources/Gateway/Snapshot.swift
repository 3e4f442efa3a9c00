import Synchronization

/// One reading for all who ask within a second. Safe to share.
final class Snapshot<Value: Sendable>: Sendable {
  private static var lifetime: Duration { .seconds(1) }

  private let last = Mutex<(value: Value, until: ContinuousClock.Instant)?>(nil)
  private let readings: Gathering<Bool, Value>

  init(read: @escaping @Sendable () async throws -> Value) {
    readings = Gathering(flights: 1, size: 1024) { questions in
      let value = try await read()
      return questions.map { _ in value }
    }
  }

  func value() async throws -> Value {
    if let last = last.withLock({ $0 }), last.until > .now { return last.value }
    let value = try await readings.ask(true)
    last.withLock { $0 = (value, .now + Self.lifetime) }
    return value
  }
}
