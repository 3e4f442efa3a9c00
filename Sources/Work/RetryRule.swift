import Catalog
import Contracts
import Providers

/// What follows a failed attempt. Pure but for the jitter it is given. The taxonomy is `ProviderFailure.Kind`.
struct RetryRule: Sendable {
  enum Next: Sendable, Equatable {
    /// The run is over.
    case end(ResultEvent.Fault)
    /// The same provider once more, after a pause.
    case again(after: Duration)
    case next
    /// The worker ends.
    case abandon
  }

  /// A pause that a provider asks for and that is waited out in the job's slot; longer ones go to the next provider.
  static let longestPause = Duration.seconds(2)
  /// A connection that broke later than this broke in the middle of the work.
  static let earlyLoss = Duration.seconds(2)
  /// The most that chance puts between two attempts at one provider.
  static let longestJitter = 0.5

  /// At this provider in this delivery, the failed one included.
  let tries: Int
  let hasNext: Bool
  /// Whether what was never heard of again may be made again.
  let mayRepeat: Bool
  /// Between 0 and 1.
  let jitter: Double

  /// - Parameters:
  ///   - elapsed: how long the attempt took.
  ///   - mayRetry: asked once, and only where a further attempt at the same provider would follow: takes it out of the
  ///     provider's retry budget.
  func follow(_ failure: ProviderFailure, elapsed: Duration, mayRetry: () -> Bool) -> Next {
    let pause = Duration.seconds(Self.longestJitter * jitter)
    func again(after pause: Duration) -> Next { tries == 1 && mayRetry() ? .again(after: pause) : .next }
    switch failure.kind {
    case .caller: return .end(ResultEvent.Fault(.callerError, failure.detail))
    case .contentRefused: return .end(ResultEvent.Fault(.contentRefused, failure.detail))
    case .cancelled: return .abandon
    case .server, .unreachable:
      let asked = failure.retryAfter ?? .zero
      return asked > Self.longestPause ? .next : again(after: max(asked, pause))
    case .rateLimited:
      guard let asked = failure.retryAfter else { return again(after: pause) }
      return hasNext || asked > Self.longestPause ? .next : again(after: asked)
    case .lost:
      guard mayRepeat || !failure.reachedProvider else {
        let message = "the provider was not heard of again, and the job is not bought twice"
        return .end(ResultEvent.Fault(.providerFailed, message))
      }
      // What fell silent would be silent again; what broke at once may have been bad luck. It may have been charged, so
      // the next provider, where there is one, costs no more than asking again.
      return elapsed < Self.earlyLoss && !hasNext ? again(after: pause) : .next
    // It was made and may have been charged, and cannot be kept here, whoever makes it.
    case .local where failure.reachedProvider: return .end(ResultEvent.Fault(.providerFailed, failure.detail))
    case .contextTooLong, .account, .funds, .notFound, .malformed, .local: return .next
    }
  }

  /// Whether the job may do better at the same providers a little later.
  static func isPassing(_ failure: ProviderFailure) -> Bool {
    switch failure.kind {
    case .server, .unreachable, .rateLimited: true
    case .local: failure.retryAfter != nil
    default: false
    }
  }
}
