import Synchronization

/// The order to end one run before its time, which cancels what the run is doing. Given at most once, from any task.
final class StopOrder: Sendable {
  private struct State {
    var note: String?
    var cancel: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  /// Who gave it and why; nil while it is not given.
  var note: String? { state.withLock { $0.note } }

  func give(_ note: String) {
    let cancel = state.withLock { state -> (@Sendable () -> Void)? in
      guard state.note == nil else { return nil }
      state.note = note
      return state.cancel
    }
    cancel?()
  }

  /// Does the run's work where the order reaches it, whenever it is given; so does the caller's own cancellation.
  func reaching<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value {
    let task = Task { await work() }
    let isGiven = state.withLock { state in
      state.cancel = { task.cancel() }
      return state.note != nil
    }
    if isGiven { task.cancel() }
    let value = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    state.withLock { $0.cancel = nil }
    return value
  }
}
