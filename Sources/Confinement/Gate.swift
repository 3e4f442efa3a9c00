import Synchronization

/// A condition others wait for, such as "connected". Callable from any thread.
package final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var retired = false
    var nextWaiter: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// Lets everybody through until `shut`.
  package func open() {
    release { $0.isOpen = true }
  }

  package func shut() { state.withLock { $0.isOpen = false } }

  /// Turns everybody away for good: the condition will never hold again.
  package func retire() {
    release { state in
      state.retired = true
      state.isOpen = false
    }
  }

  /// True once the gate is open; false when it is retired or the calling task is cancelled.
  package func pass() async -> Bool {
    let ticket = state.withLock { state in
      defer { state.nextWaiter += 1 }
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          if state.isOpen || state.retired || Task.isCancelled { return state.isOpen }
          state.waiters[ticket] = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume(returning: false)
    }
  }

  private func release(_ change: (inout State) -> Void) {
    let (waiters, open) = state.withLock { state in
      change(&state)
      defer { state.waiters = [:] }
      return (state.waiters, state.isOpen)
    }
    for waiter in waiters.values { waiter.resume(returning: open) }
  }
}
