import Synchronization

/// One who watches a job or a story: the newest status that was not shown yet, and nothing older, so that a slow reader costs no
/// memory. One task waits, others offer. Safe to share.
final class Viewer<Status: Watchable>: Sendable {
  enum Event: Sendable {
    case status(Status)
    /// Nothing happened for a while.
    case beat
    case over
  }

  private struct State {
    /// Nil before the first.
    var shown: Status?
    var pending: Status?
    var isQuiet = false
    var isOver = false
    var lastEvent = ContinuousClock.now
    var waiter: CheckedContinuation<Event, Never>?
  }

  let subject: Status.Subject
  private let state = Mutex(State())

  init(_ subject: Status.Subject) { self.subject = subject }

  /// Shows it if there is anything new in it.
  func offer(_ status: Status) {
    step { state in
      if let shown = state.pending ?? state.shown, !status.isNews(after: shown) { return }
      state.pending = status
    }
  }

  /// Has the waiting task told that nothing happened, if so.
  func beat(every time: Duration) {
    step { state in state.isQuiet = ContinuousClock.now - state.lastEvent >= time }
  }

  func end() { step { $0.isOver = true } }

  /// Ends when the task is cancelled.
  func next() async -> Event {
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in step { $0.waiter = waiter } }
    } onCancel: {
      end()
    }
  }

  private func step(_ change: (inout State) -> Void) {
    let told: (CheckedContinuation<Event, Never>, Event)? = state.withLock { state in
      change(&state)
      guard let waiter = state.waiter, let event = Self.take(&state) else { return nil }
      state.waiter = nil
      state.lastEvent = .now
      return (waiter, event)
    }
    if let (waiter, event) = told { waiter.resume(returning: event) }
  }

  private static func take(_ state: inout State) -> Event? {
    if let status = state.pending {
      state.pending = nil
      state.shown = status
      return .status(status)
    }
    if state.isOver { return .over }
    guard state.isQuiet else { return nil }
    state.isQuiet = false
    return .beat
  }
}
