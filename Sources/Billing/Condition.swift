package import Contracts

/// Something that is the matter for a while: administrators are told when it begins and when it is over. Kept in the
/// ledger meanwhile, so that a restart neither repeats nor forgets it.
package struct Condition: Sendable, Hashable {
  /// The raw values stand in the ledger, in alerts and in their routing keys.
  package enum Kind: String, Sendable, CaseIterable {
    /// No money is left at a provider; it refuses key or account; it no longer has a model.
    case providerFunds = "provider_funds"
    case providerAccount = "provider_account"
    case providerGone = "provider_gone"
    /// A provider or a model rests, because calls fail or because it asked for it.
    case breakerOpen = "breaker_open"
    case providerLatency = "provider_latency"
    /// Jobs wait longer for a slot than a tier of their lane was promised.
    case laneWait = "lane_wait"
    case deadLetters = "dead_letters"
    case ledgerLag = "ledger_lag"
    /// Cost events came that cannot be booked, for whatever reason.
    case ledgerQuarantine = "ledger_quarantine"
    /// The broker takes no messages: it is gone, or out of memory or disk.
    case broker
  }

  package enum Subject: Sendable, Hashable, CustomStringConvertible {
    case fleet
    case lane(Lane)
    /// A name, or `provider/model`.
    case provider(String)

    /// As scopes of alerts are written.
    package var description: String {
      switch self {
      case .fleet: "fleet"
      case .lane(let lane): "lane:\(lane.rawValue)"
      case .provider(let scope): "provider:\(scope)"
      }
    }

    init?(_ text: String) {
      let words = text.split(separator: ":", maxSplits: 1)
      switch (words.first, words.dropFirst().first) {
      case ("fleet", nil): self = .fleet
      case ("lane", let name?):
        guard let lane = Lane(rawValue: String(name)) else { return nil }
        self = .lane(lane)
      case ("provider", let scope?): self = .provider(String(scope))
      default: return nil
      }
    }
  }

  /// One of a kind and a subject is the matter at a time.
  package struct Key: Sendable, Hashable, Comparable {
    package var kind: Kind
    package var subject: Subject

    package init(_ kind: Kind, _ subject: Subject) {
      self.kind = kind
      self.subject = subject
    }

    package static func < (left: Key, right: Key) -> Bool {
      (left.kind.rawValue, left.subject.description) < (right.kind.rawValue, right.subject.description)
    }
  }

  package var key: Key
  package var since: Timestamp

  package init(_ key: Key, since: Timestamp) {
    self.key = key
    self.since = since
  }
}

/// What is watched and what was found, as decimal texts: `seconds`, `30`, `41.5`.
package struct ConditionFigures: Sendable, Hashable {
  package var unit: String
  package var limit: String
  package var found: String

  init(_ limit: Duration, found: Duration) {
    unit = "seconds"
    self.limit = Self.text(limit)
    self.found = Self.text(found)
  }

  /// - Parameter unit: what is counted.
  init(_ unit: String, found: Int, limit: Int) {
    self.unit = unit
    self.limit = "\(limit)"
    self.found = "\(found)"
  }

  /// Seconds with at most three decimals.
  static func text(_ duration: Duration) -> String {
    let (seconds, milliseconds) = duration.milliseconds.quotientAndRemainder(dividingBy: 1000)
    guard milliseconds != 0 else { return "\(seconds)" }
    var fraction = String(String(1000 + milliseconds).dropFirst())
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(seconds).\(fraction)"
  }
}
