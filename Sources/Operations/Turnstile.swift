import Synchronization

/// Lets one through at a time. A bounded number waits for a bounded time, in order, but for changes, which go before
/// those who only look and have places that nobody else takes. Who is cancelled waits no longer. Safe to share.
package final class Turnstile: Sendable {
  /// Too many wait already, or it took too long.
  package struct Crowded: Error, Sendable {}

  package enum Visit: Sendable { case look, change }

  private struct Waiter {
    let number: UInt64
    let visit: Visit
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var isTaken = false
    var visits: UInt64 = 0
    var waiting: [Waiter] = []
  }

  private let state = Mutex(State())
  private let places: Int
  private let reserve: Int
  private let patience: Duration
  private let endsWaiting: @Sendable (any Error) -> Bool

  /// - Parameters:
  ///   - reserve: of the places, those for changes alone.
  ///   - patience: how long anybody waits.
  ///   - endsWaiting: of what one has met, whether those who wait would meet the same; then they are told at once.
  package init(
    places: Int = 16, reserve: Int = 4, patience: Duration = .seconds(5),
    endsWaiting: @escaping @Sendable (any Error) -> Bool = { _ in false }
  ) {
    self.places = places
    self.reserve = reserve
    self.patience = patience
    self.endsWaiting = endsWaiting
  }

  /// - Throws: `Crowded`, `CancellationError`, what another has met, or what the body throws.
  package func pass<Value>(_ visit: Visit, _ body: () async throws -> Value) async throws -> Value {
    try await enter(visit)
    do {
      let value = try await body()
      leave(after: nil)
      return value
    } catch {
      leave(after: error)
      throw error
    }
  }

  /// Those who wait now; for tests.
  package var waiting: Int { state.withLock { $0.waiting.count } }

  private func enter(_ visit: Visit) async throws {
    let number = state.withLock { state in
      state.visits += 1
      return state.visits
    }
    let clock = Task {
      try await Task.sleep(for: patience)
      giveUp(number, Crowded())
    }
    defer { clock.cancel() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let answer = state.withLock { state in
          // Under the lock: a cancellation that comes later finds the waiter.
          Task.isCancelled
            ? .failure(CancellationError())
            : place(Waiter(number: number, visit: visit, continuation: continuation), in: &state)
        }
        if let answer { continuation.resume(with: answer) }
      }
    } onCancel: {
      giveUp(number, CancellationError())
    }
  }

  /// Nil where it waits.
  private func place(_ waiter: Waiter, in state: inout State) -> Result<Void, any Error>? {
    guard state.isTaken else {
      state.isTaken = true
      return .success(())
    }
    guard state.waiting.count < (waiter.visit == .change ? places : places - reserve) else {
      return .failure(Crowded())
    }
    let behind = waiter.visit == .change ? state.waiting.firstIndex { $0.visit == .look } : nil
    state.waiting.insert(waiter, at: behind ?? state.waiting.endIndex)
    return nil
  }

  private func giveUp(_ number: UInt64, _ error: any Error) {
    let waiter = state.withLock { state in
      state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
    }
    waiter?.continuation.resume(throwing: error)
  }

  private func leave(after error: (any Error)?) {
    if let error, endsWaiting(error) {
      let told = state.withLock { state in
        let waiting = state.waiting
        state.waiting = []
        state.isTaken = false
        return waiting
      }
      for waiter in told { waiter.continuation.resume(throwing: error) }
      return
    }
    let next = state.withLock { state -> Waiter? in
      guard !state.waiting.isEmpty else {
        state.isTaken = false
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.continuation.resume()
  }
}
