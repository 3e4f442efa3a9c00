import Synchronization

/// Those who watch, by what they watch. Each has one of the places for streams until nobody has their seat any more. Safe
/// to share.
final class Gallery<Status: Watchable>: Sendable {
  /// A place among those who watch. It is given back when nobody has it any more.
  final class Seat: Sendable {
    let viewer: Viewer<Status>
    private let holder: Seats.Holder
    private let gallery: Gallery

    fileprivate init(_ viewer: Viewer<Status>, of holder: Seats.Holder, in gallery: Gallery) {
      self.viewer = viewer
      self.holder = holder
      self.gallery = gallery
    }

    deinit { gallery.leave(viewer, holder) }
  }

  private struct State {
    var viewers: [Status.Subject: [ObjectIdentifier: Viewer<Status>]] = [:]
    var isClosed = false
  }

  private let seats: Seats
  private let state = Mutex(State())

  /// - Parameter seats: shared with others.
  init(seats: Seats) { self.seats = seats }

  /// What is watched now.
  var subjects: [Status.Subject] { state.withLock { Array($0.viewers.keys) } }
  var viewers: [Viewer<Status>] { state.withLock { $0.viewers.values.flatMap(\.values) } }
  var isEmpty: Bool { state.withLock { $0.viewers.isEmpty } }

  func viewers(of subject: Status.Subject) -> [Viewer<Status>] {
    state.withLock { $0.viewers[subject].map { Array($0.values) } ?? [] }
  }

  /// - Throws: where all places are taken that this one may have, and after the end.
  func join(_ subject: Status.Subject, for holder: Seats.Holder) throws(Problem) -> Seat {
    let viewer = Viewer<Status>(subject)
    try seats.take(for: holder)
    let isClosed = state.withLock { state in
      if !state.isClosed { state.viewers[subject, default: [:]][ObjectIdentifier(viewer)] = viewer }
      return state.isClosed
    }
    if isClosed {
      seats.giveBack(of: holder)
      throw Problem(.unavailable, "this gateway ends", retryAfter: .seconds(1))
    }
    return Seat(viewer, of: holder, in: self)
  }

  /// Every stream ends, and nobody joins any more.
  func close() {
    state.withLock { $0.isClosed = true }
    for viewer in viewers { viewer.end() }
  }

  private func leave(_ viewer: Viewer<Status>, _ holder: Seats.Holder) {
    seats.giveBack(of: holder)
    state.withLock { state in
      state.viewers[viewer.subject]?[ObjectIdentifier(viewer)] = nil
      if state.viewers[viewer.subject]?.isEmpty == true { state.viewers[viewer.subject] = nil }
    }
  }
}
