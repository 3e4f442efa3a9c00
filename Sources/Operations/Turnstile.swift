import Synchronization

/// Lets one through at a time; a bounded number waits, in order. Safe to share.
package final class Turnstile: Sendable {
  /// Too many wait already.
  package struct Crowded: Error, Sendable {}

  private struct State {
    var isTaken = false
    var waiting: [CheckedContinuation<Bool, Never>] = []
  }

  private let state = Mutex(State())
  private let places: Int

  package init(places: Int = 16) { self.places = places }

  func pass<Value>(_ body: () async throws -> Value) async throws -> Value {
    try await enter()
    defer { leave() }
    return try await body()
  }

  private func enter() async throws(Crowded) {
    let mayPass = await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> Bool? in
        guard state.isTaken else {
          state.isTaken = true
          return true
        }
        guard state.waiting.count < places else { return false }
        state.waiting.append(continuation)
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
    guard mayPass else { throw Crowded() }
  }

  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      guard !state.waiting.isEmpty else {
        state.isTaken = false
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.resume(returning: true)
  }
}
