import Synchronization

/// Many producers, one consumer, whole batches: whatever accumulated while the consumer was busy is its next batch, so
/// the busier it is the fewer times anybody crosses a thread. Callable from any thread.
///
/// It has no bound of its own: each producer is bounded by what it may have in flight (a broker's prefetch, a window of
/// unconfirmed messages), and that is the bound of the mailbox.
package final class Mailbox<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var closed = false
    var taker: CheckedContinuation<[Element], Never>?
  }

  private let state = Mutex(State())

  package init() {}

  package var count: Int { state.withLock { $0.elements.count } }

  package func put(_ element: Element) { put(contentsOf: CollectionOfOne(element)) }

  /// What is put after `close` is dropped.
  package func put(contentsOf batch: some Collection<Element> & Sendable) {
    guard !batch.isEmpty else { return }
    let handover = state.withLock { state -> (CheckedContinuation<[Element], Never>, [Element])? in
      guard !state.closed else { return nil }
      guard let taker = state.taker else {
        state.elements.append(contentsOf: batch)
        return nil
      }
      state.taker = nil
      return (taker, Array(batch))
    }
    if let (taker, elements) = handover { taker.resume(returning: elements) }
  }

  /// Everything that accumulated, in order; suspends while there is nothing. Empty only when the mailbox is closed and
  /// taken empty, or the calling task is cancelled (what is inside then stays inside). One caller at a time.
  package func take() async -> [Element] {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now = state.withLock { state -> [Element]? in
          if Task.isCancelled { return [] }
          if state.closed || !state.elements.isEmpty {
            defer { state.elements = [] }
            return state.elements
          }
          guard state.taker == nil else { fatalError("Bug: two tasks take from one mailbox") }
          state.taker = continuation
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      dismissTaker()
    }
  }

  /// Lets the consumer take what is inside and then only empty batches.
  package func close() {
    state.withLock { $0.closed = true }
    dismissTaker()
  }

  /// A waiting taker means there is nothing inside, so it loses nothing.
  private func dismissTaker() {
    let taker = state.withLock { state in
      defer { state.taker = nil }
      return state.taker
    }
    taker?.resume(returning: [])
  }
}
