import Synchronization

/// Who uses a serving process at the moment, and when it last gave a sign of life. Safe to use from anywhere.
final class ServingUse: Sendable {
  private struct State {
    var calls = 0
    var lastUse = ContinuousClock.now
    var lastAnswer = ContinuousClock.now
  }

  private let state = Mutex(State())

  func begin() {
    state.withLock { state in
      state.calls += 1
      state.lastUse = .now
    }
  }

  /// - Parameter answered: whether the process had anything to say, be it a refusal.
  func finish(answered: Bool) {
    state.withLock { state in
      state.calls -= 1
      state.lastUse = .now
      if answered { state.lastAnswer = .now }
    }
  }

  func noteAnswer() { state.withLock { $0.lastAnswer = .now } }

  var lastAnswer: ContinuousClock.Instant { state.withLock { $0.lastAnswer } }

  /// Since when no call has been under way; nil while one is.
  var idleSince: ContinuousClock.Instant? { state.withLock { $0.calls == 0 ? $0.lastUse : nil } }
}
