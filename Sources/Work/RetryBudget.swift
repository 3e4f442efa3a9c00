import Synchronization

/// How many second attempts a provider may cost this worker: a fifth of its calls, and ten at the start. When everything
/// fails at once, retries would double the load on what is already down. Safe to share.
final class RetryBudget: Sendable {
  static let perCall = 0.2
  static let most = 10.0

  private let tokens = Mutex<[String: Double]>([:])

  func called(_ provider: String) {
    tokens.withLock { $0[provider] = min(Self.most, ($0[provider] ?? Self.most) + Self.perCall) }
  }

  /// Takes one, if there is one.
  func take(_ provider: String) -> Bool {
    tokens.withLock { tokens in
      let left = tokens[provider] ?? Self.most
      guard left >= 1 else { return false }
      tokens[provider] = left - 1
      return true
    }
  }
}
