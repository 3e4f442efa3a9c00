import Hummingbird
import Synchronization

/// How many bytes of bodies this gateway holds, of requests that are not answered yet. Connections bound their number; a
/// mebibyte on each would still be too much memory. One key may have a quarter, and so may all those together of whom
/// nobody knows yet who they are. Small ones are not counted. Safe to share.
final class BodyBudget: Sendable {
  /// Bytes of a body that is not worth counting, if it says its length: 8 MiB on all of 2,048 connections.
  private static let uncounted = 4096

  private struct State {
    var all = 0
    var ofKeys: [String: Int] = [:]
  }

  /// Who sends a body.
  private enum Sender: Sendable {
    case unknown
    case key(String)
    /// All of the budget is for the local operator of a fleet without keys.
    case local

    /// Nil for one without a bound of its own.
    var name: String? {
      switch self {
      case .unknown: ""
      case .key(let id): id
      case .local: nil
      }
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: bytes.
  init(limit: Int) { self.limit = limit }

  var used: Int { state.withLock { $0.all } }

  /// For one request.
  func share() -> Share { Share(of: self) }

  private func take(_ bytes: Int, for sender: Sender) throws(Problem) {
    let hasRoom = state.withLock { state in
      let ofKey = sender.name.map { state.ofKeys[$0, default: 0] + bytes }
      guard state.all + bytes <= limit, ofKey ?? 0 <= limit / 4 else { return false }
      state.all += bytes
      if let name = sender.name { state.ofKeys[name] = ofKey }
      return true
    }
    guard hasRoom else {
      throw Problem(.unavailable, "too many bodies come in at once: nothing was taken", retryAfter: .seconds(1))
    }
  }

  private func giveBack(_ bytes: Int, of sender: Sender) {
    state.withLock { state in
      state.all -= bytes
      guard let name = sender.name else { return }
      let left = state.ofKeys[name, default: 0] - bytes
      state.ofKeys[name] = left > 0 ? left : nil
    }
  }

  /// What one request holds, given back when nobody has the request any more.
  final class Share: Sendable {
    private struct State {
      var sender = Sender.unknown
      var bytes = 0
    }

    private let budget: BodyBudget
    private let state = Mutex(State())

    fileprivate init(of budget: BodyBudget) { self.budget = budget }

    /// Known before the body is read.
    /// - Parameter key: id; nil for the local operator.
    func belongs(to key: String?) {
      state.withLock { state in
        guard state.bytes == 0 else { return }
        state.sender = key.map { .key($0) } ?? .local
      }
    }

    /// The body, each part of which is counted as it is read.
    /// - Parameter length: as the request says it, in bytes; nil for one that does not.
    func counted(_ body: RequestBody, length: Int?) -> RequestBody {
      if let length, length <= BodyBudget.uncounted { return body }
      return RequestBody(
        asyncSequence: body.map { part in
          try self.take(part.readableBytes)
          return part
        })
    }

    private func take(_ bytes: Int) throws {
      let sender = state.withLock { $0.sender }
      try budget.take(bytes, for: sender)
      state.withLock { $0.bytes += bytes }
    }

    deinit {
      let (sender, bytes) = state.withLock { ($0.sender, $0.bytes) }
      if bytes > 0 { budget.giveBack(bytes, of: sender) }
    }
  }
}
