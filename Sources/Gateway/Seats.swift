import Synchronization

/// The streams that may be open at once, whatever they show. Some places are the console's alone, and no key has more than
/// its part, so that who watches jobs in great number does not keep the others out. Safe to share.
final class Seats: Sendable {
  /// Who has a place.
  struct Holder: Sendable, Hashable {
    /// Id; nil for the local operator of a fleet without keys, who may have all.
    var key: String?
    var isConsole: Bool
  }

  private struct State {
    var taken = 0
    /// Of those that were taken, not the console's.
    var others = 0
    var ofKeys: [String: Int] = [:]
  }

  private let limit: Int
  private let mostOthers: Int
  private let mostOfKey: Int
  private let state = Mutex(State())

  /// - Parameters:
  ///   - console: of all places those that only the console may take.
  ///   - key: those that one key may take, the console's included.
  init(limit: Int, console: Int, key: Int) {
    self.limit = limit
    mostOthers = limit - console
    mostOfKey = key
  }

  var taken: Int { state.withLock { $0.taken } }

  func take(for holder: Holder) throws(Problem) {
    let problem: Problem? = state.withLock { state in
      guard state.taken < limit, holder.isConsole || state.others < mostOthers else { return .noSeat }
      if let key = holder.key {
        let ofKey = state.ofKeys[key, default: 0]
        guard ofKey < mostOfKey else { return .noSeatForKey }
        state.ofKeys[key] = ofKey + 1
      }
      state.taken += 1
      state.others += holder.isConsole ? 0 : 1
      return nil
    }
    if let problem { throw problem }
  }

  func giveBack(of holder: Holder) {
    state.withLock { state in
      state.taken -= 1
      state.others -= holder.isConsole ? 0 : 1
      guard let key = holder.key else { return }
      let left = state.ofKeys[key, default: 0] - 1
      state.ofKeys[key] = left > 0 ? left : nil
    }
  }
}

extension Problem {
  fileprivate static let noSeat = Problem(
    .unavailable, "too many streams are open here already", retryAfter: .seconds(5))
  fileprivate static let noSeatForKey = Problem(
    .unavailable, "too many streams of this key are open here already", retryAfter: .seconds(5))
}

extension GatewayContext {
  /// Who takes a place for what this request asks for.
  var seatHolder: Seats.Holder { Seats.Holder(key: principal?.keyID, isConsole: visit != nil) }
}
