package import Admission
package import Billing
package import Catalog
package import Contracts

/// The providers at one moment: what the policy names, with what Redis says of those that do not serve, and behind each
/// provider those of its models that rest by themselves.
package struct ProviderBoard: Sendable {
  package enum State: String, Sendable, Encodable { case serving, probing, resting, held }

  package struct Row: Sendable, Encodable {
    package let provider: String
    /// Of one that rests by itself; nil for the provider as a whole.
    @OrNull package var model: String? = nil
    /// Nil for a provider that the policy no longer has.
    @OrNull package var kind: String? = nil
    package let state: State
    /// Why it does not serve: failures, rate, account, funds, gone or hand.
    @OrNull package var reason: String? = nil
    @OrNull package var since: String? = nil
    /// When a job may try next; nil while one does, and for what is held.
    @OrNull package var nextProbe: String? = nil
    /// Of the hold: who, and why in their words.
    @OrNull package var by: String? = nil
    @OrNull package var note: String? = nil
    /// The same for people, from now; not encoded.
    package let until: String?

    package var cause: BreakerState.Reason? { reason.flatMap { BreakerState.Reason(rawValue: $0) } }

    private enum CodingKeys: String, CodingKey {
      case provider, model, kind, state, reason, since, nextProbe, by, note
    }
  }

  package let rows: [Row]
  /// Where Redis and the ledger do not agree about a hold: what to do, one line each.
  package let differing: [String]

  package init(policy: Policy, breakers: [String: BreakerState], holds: [ProviderHold], now: Timestamp) {
    let holds = Dictionary(uniqueKeysWithValues: holds.map { ($0.provider, $0) })
    let scopes = breakers.keys.sorted()
    let names = Set(policy.providers.keys).union(scopes.map(Self.provider(of:))).union(holds.keys)
    rows = names.sorted().flatMap { name in
      let whole = Row(name, nil, policy.providers[name], breakers[name], holds[name], now)
      return [whole]
        + scopes.filter { $0 != name && Self.provider(of: $0) == name }.map { scope in
          Row(name, String(scope.dropFirst(name.count + 1)), policy.providers[name], breakers[scope], nil, now)
        }
    }
    differing = names.sorted().compactMap { name in
      switch (holds[name] != nil, breakers[name]?.reason == .hand) {
      case (true, false): "\(name) is held by the ledger but not in Redis: tollway providers hold \(name) mends it"
      case (false, true): "\(name) is held in Redis but not by the ledger: tollway providers release \(name) mends it"
      default: nil
      }
    }
  }

  /// Of a scope: `openai`, or one of its models, `openai/gpt-5-mini`.
  package static func provider(of scope: String) -> String { String(scope.prefix { $0 != "/" }) }
}

extension ProviderBoard.Row {
  fileprivate init(
    _ provider: String, _ model: String?, _ definition: ProviderDefinition?, _ breaker: BreakerState?,
    _ hold: ProviderHold?, _ now: Timestamp
  ) {
    self.provider = provider
    let isHeld = breaker?.reason == .hand
    state = breaker.map { isHeld ? .held : $0.isProbed ? .probing : .resting } ?? .serving
    until = state == .resting ? breaker.map { $0.retryAt <= now ? "due" : "in \(now.words(until: $0.retryAt))" } : nil
    self.model = model
    kind = definition?.kind.rawValue
    reason = breaker?.reason.rawValue
    // The ledger's row is older than a Redis that had to be told again.
    since = (isHeld ? hold?.since ?? breaker?.since : breaker?.since)?.description
    nextProbe = state == .resting ? breaker?.retryAt.description : nil
    by = isHeld ? hold?.by : nil
    note = isHeld ? hold?.reason : nil
  }
}
