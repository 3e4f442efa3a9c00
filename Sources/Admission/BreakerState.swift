package import Contracts
import Redis

/// A provider, or one model of one, that does not serve: why, and when the next call may try it. Kept in Redis for the
/// whole fleet; what serves has none.
package struct BreakerState: Sendable, Hashable {
  /// The raw values stand in Redis, listings and alerts.
  package enum Reason: String, Sendable, CaseIterable {
    /// At least half of five or more calls within 60 s.
    case failures
    /// It asked to be left alone for a while.
    case rate
    /// It refuses the key or the account.
    case account
    /// No money is left there.
    case funds
    /// It no longer has the model.
    case gone
    /// An admin took it out of service: it is never probed.
    case hand
  }

  /// A provider's name, or `provider/model`.
  package var scope: String
  package var reason: Reason
  /// When it stopped serving; by hand, when that was done.
  package var since: Timestamp
  /// When a probe may be made at the earliest; `never` for what was taken out by hand. By the server's clock.
  package var retryAt: Timestamp
  /// Whether one is being made.
  package var isProbed: Bool

  /// The last instant of the year 9999.
  package static let never = Timestamp(milliseconds: 253_402_300_799_999)

  package init(scope: String, reason: Reason, since: Timestamp, retryAt: Timestamp, isProbed: Bool = false) {
    self.scope = scope
    self.reason = reason
    self.since = since
    self.retryAt = retryAt
    self.isProbed = isProbed
  }
}

extension BreakerState {
  /// Neither a rest nor a probe is longer. One that is can only be of a clock that was set back, and is over.
  private static let longest: Int64 = 600_000

  /// Reason, since, instant of the next probe, length of the rest, end of the probe under way, its holder. Nil for any
  /// other form, and for reasons of a newer release.
  init?(scope: String, reading text: String, at now: Timestamp) {
    let words = text.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: false)
    guard words.count == 6, let reason = Reason(rawValue: String(words[0])), let since = Int64(words[1]),
      let retryAt = Int64(words[2]), let probeEnd = Int64(words[4])
    else { return nil }
    let horizon = now.milliseconds + Self.longest
    self.init(
      scope: scope, reason: reason, since: Timestamp(milliseconds: since),
      retryAt: reason == .hand
        ? Self.never : Timestamp(milliseconds: retryAt > horizon ? now.milliseconds : retryAt),
      isProbed: probeEnd > now.milliseconds && probeEnd <= horizon)
  }

  /// Fields and values of the hash of breakers.
  static func all(reading value: RedisValue, at now: Timestamp) -> [String: BreakerState] {
    guard value.array?.isEmpty == false else { return [:] }
    var states: [String: BreakerState] = [:]
    for (scope, text) in value.pairs {
      states[scope] = text.string.flatMap { BreakerState(scope: scope, reading: $0, at: now) }
    }
    return states
  }
}

/// How calls to a provider ended since the last report. What a probe came to is a report of its own.
package struct BreakerReport: Sendable, Hashable {
  package var scope: String
  package var successes: Int
  package var failures: Int
  /// Rate, account, funds or gone, where the provider said so itself; never `hand`.
  package var shut: BreakerState.Reason?
  /// How long it asked to be left alone; counts for `rate` only, 1 s to 10 min. Nil is 1 s.
  package var pause: Duration?
  /// Who held the probe that this call was.
  package var probe: String?

  package init(
    scope: String, successes: Int = 0, failures: Int = 0, shut: BreakerState.Reason? = nil, pause: Duration? = nil,
    probe: String? = nil
  ) {
    self.scope = scope
    self.successes = successes
    self.failures = failures
    self.shut = shut
    self.pause = pause
    self.probe = probe
  }
}

/// A scope that stopped serving, serves again, or rests for another reason. Nil is serving.
package struct BreakerChange: Sendable, Hashable {
  package var scope: String
  package var from: BreakerState.Reason?
  package var to: BreakerState.Reason?

  package init(scope: String, from: BreakerState.Reason?, to: BreakerState.Reason?) {
    self.scope = scope
    self.from = from
    self.to = to
  }
}
