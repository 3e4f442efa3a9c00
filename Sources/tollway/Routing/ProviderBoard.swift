import Admission
import Billing
import Catalog
import Contracts

/// The providers at one moment: what the policy names, with what Redis says of those that do not serve, and behind each
/// provider those of its models that rest by themselves.
struct ProviderBoard {
  enum State: String, Encodable { case serving, probing, resting, held }

  struct Row: Encodable {
    let provider: String
    /// Of one that rests by itself; nil for the provider as a whole.
    @OrNull var model: String? = nil
    /// Nil for a provider that the policy no longer has.
    @OrNull var kind: String? = nil
    let state: State
    /// Why it does not serve: failures, rate, account, funds, gone or hand.
    @OrNull var reason: String? = nil
    @OrNull var since: String? = nil
    /// When a job may try next; nil while one does, and for what is held.
    @OrNull var nextProbe: String? = nil
    /// Of the hold: who, and why in their words.
    @OrNull var by: String? = nil
    @OrNull var note: String? = nil
    fileprivate let until: String?

    private enum CodingKeys: String, CodingKey {
      case provider, model, kind, state, reason, since, nextProbe, by, note
    }
  }

  let rows: [Row]
  /// Where Redis and the ledger do not agree about a hold: what to do, one line each.
  let differing: [String]

  init(policy: Policy, breakers: [String: BreakerState], holds: [ProviderHold], now: Timestamp) {
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
  static func provider(of scope: String) -> String { String(scope.prefix { $0 != "/" }) }

  var table: Table {
    var table = Table(["PROVIDER", "KIND", "STATE", "REASON", "SINCE", "NEXT PROBE"])
    for row in rows {
      table.add(
        .init(row.model.map { "\(row.provider)/\($0)" } ?? row.provider), .init(row.kind),
        .init(row.state.rawValue, row.state.colour), .init(row.words), .init(row.since), .init(row.until))
    }
    return table
  }
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

  /// `failures`, or `by ana: invoice dispute`.
  fileprivate var words: String? {
    guard let by else { return reason }
    return "by \(by)" + (note.map { $0.isEmpty ? "" : ": \($0)" } ?? "")
  }
}

extension ProviderBoard.State {
  fileprivate var colour: Style.Colour? {
    switch self {
    case .serving: nil
    case .probing, .held: .yellow
    case .resting: .red
    }
  }
}
