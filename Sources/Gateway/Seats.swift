import Synchronization

/// The streams that may be open at once, whatever they show. Safe to share.
final class Seats: Sendable {
  private let limit: Int
  private let state = Mutex(0)

  init(limit: Int) { self.limit = limit }

  var taken: Int { state.withLock { $0 } }

  func take() throws(Problem) {
    let isFree = state.withLock { taken in
      guard taken < limit else { return false }
      taken += 1
      return true
    }
    guard isFree else {
      throw Problem(.unavailable, "too many streams are open here already", retryAfter: .seconds(5))
    }
  }

  func giveBack() { state.withLock { $0 -= 1 } }
}
