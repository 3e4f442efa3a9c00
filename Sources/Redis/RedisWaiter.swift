import Synchronization

/// Where one task waits for one result that two parties may bring, the connection and cancellation. The first wins and
/// the other is dropped; any thread may bring it, before or after the task began to wait.
final class RedisWaiter<Value: Sendable>: Sendable {
  typealias Outcome = Result<Value, RedisError>

  private enum State {
    case empty
    case waiting(CheckedContinuation<Outcome, Never>)
    case resolved(Outcome)
  }

  private let state = Mutex(State.empty)

  /// To be called once.
  func outcome() async -> Outcome {
    await withCheckedContinuation { continuation in
      let ready: Outcome? = state.withLock { state in
        if case .resolved(let outcome) = state { return outcome }
        state = .waiting(continuation)
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }

  func resolve(_ outcome: Outcome) {
    let waiting: CheckedContinuation<Outcome, Never>? = state.withLock { state in
      switch state {
      case .empty:
        state = .resolved(outcome)
        return nil
      case .waiting(let continuation):
        state = .resolved(outcome)
        return continuation
      case .resolved:
        return nil
      }
    }
    waiting?.resume(returning: outcome)
  }
}
