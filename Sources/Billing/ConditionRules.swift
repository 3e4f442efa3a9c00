package import Contracts

/// When something becomes a condition and when it is over: pure, fed with a reading a second. What it answers is to be
/// written to the ledger and then noted; until then it is answered again with every look.
package struct ConditionRules: Sendable {
  package enum Change: Sendable, Hashable {
    case raise(Condition, ConditionFigures?)
    case recover(Condition)

    package var condition: Condition {
      switch self {
      case .raise(let condition, _), .recover(let condition): condition
      }
    }
  }

  /// Dead letters are counted over so long, and for so long an event in quarantine is news.
  package static let window: Duration = .seconds(300)

  /// What is the matter, as the ledger has it.
  package private(set) var active: [Condition.Key: Condition]
  /// Since when it has been so, of what is no condition yet.
  private var soSince: [Condition.Key: Timestamp] = [:]
  /// Since when it has been well, of conditions.
  private var wellSince: [Condition.Key: Timestamp] = [:]
  private var letters = LetterGrowth()
  /// Of the broker. It is answered within milliseconds, and within a second under load.
  private static let longestSilence: Duration = .seconds(3)

  package init(active: [Condition]) {
    self.active = Dictionary(active.map { ($0.key, $0) }) { first, _ in first }
  }

  /// - Parameter now: of one clock throughout.
  package mutating func look(_ reading: FleetReading, at now: Timestamp) -> [Change] {
    let (found, unknown) = findings(reading, at: now)
    var changes: [Change] = []
    for (key, finding) in found {
      wellSince[key] = nil
      guard active[key] == nil else { continue }
      let since = soSince[key] ?? now
      soSince[key] = since
      guard elapsed(since, now) >= key.kind.patience else { continue }
      changes.append(.raise(Condition(key, since: now), finding.figures))
    }
    for key in soSince.keys where found[key] == nil { soSince[key] = nil }
    for (key, condition) in active where found[key] == nil {
      guard !unknown(key) else {
        wellSince[key] = nil
        continue
      }
      let since = wellSince[key] ?? now
      wellSince[key] = since
      let isOld = key.kind != .deadLetters || elapsed(condition.since, now) >= Self.window
      if isOld, elapsed(since, now) >= key.kind.convalescence { changes.append(.recover(condition)) }
    }
    return changes.sorted { $0.condition.key < $1.condition.key }
  }

  /// The ledger has it.
  /// - Parameter condition: as it is there: another process may have been first.
  package mutating func note(raised condition: Condition) {
    active[condition.key] = condition
    soSince[condition.key] = nil
  }

  package mutating func note(recovered key: Condition.Key) {
    active[key] = nil
    wellSince[key] = nil
  }

  private struct Finding {
    var figures: ConditionFigures?
  }

  /// What is so, and of what nobody can say at the moment whether it is.
  private mutating func findings(
    _ reading: FleetReading, at now: Timestamp
  ) -> (so: [Condition.Key: Finding], unknown: (Condition.Key) -> Bool) {
    var found: [Condition.Key: Finding] = [:]
    for (scope, rest) in reading.rests ?? [:] {
      guard let kind = rest.kind else { continue }
      let key = Condition.Key(kind, .provider(scope))
      // Once told, one that rests again and again has not recovered in between.
      if kind != .breakerOpen || rest.isLong || active[key] != nil { found[key] = Finding() }
    }
    func compare(_ kind: Condition.Kind, _ subject: Condition.Subject, _ bound: FleetReading.Bound) {
      guard bound.found > bound.limit else { return }
      found[Condition.Key(kind, subject)] = Finding(figures: ConditionFigures(bound.limit, found: bound.found))
    }
    for (provider, bound) in reading.latencies ?? [:] { compare(.providerLatency, .provider(provider), bound) }
    for (lane, bound) in reading.waits ?? [:] { compare(.laneWait, .lane(lane), bound) }
    if let bound = reading.ledgerLag { compare(.ledgerLag, .fleet, bound) }
    if let depth = reading.deadLetters { letters.saw(depth, at: now) }
    if letters.grown > reading.deadLetterLimit {
      let figures = ConditionFigures("letters", found: letters.grown, limit: reading.deadLetterLimit)
      found[Condition.Key(.deadLetters, .fleet)] = Finding(figures: figures)
    }
    if reading.hasQuarantined == true { found[Condition.Key(.ledgerQuarantine, .fleet)] = Finding() }
    if let silence = reading.brokerSilence, silence > Self.longestSilence {
      let limit = Self.longestSilence + Condition.Kind.broker.patience
      found[Condition.Key(.broker, .fleet)] = Finding(figures: ConditionFigures(limit, found: silence))
    }
    let unknown: (Condition.Key) -> Bool = { key in
      switch key.kind {
      case .providerFunds, .providerAccount, .providerGone, .breakerOpen:
        guard let rests = reading.rests, case .provider(let scope) = key.subject else { return true }
        return rests[scope]?.reason == .hand
      case .providerLatency: return reading.latencies == nil
      case .laneWait: return reading.waits == nil
      case .deadLetters: return reading.deadLetters == nil
      case .ledgerLag: return reading.ledgerLag == nil
      case .ledgerQuarantine: return reading.hasQuarantined == nil
      case .broker: return reading.brokerSilence == nil
      }
    }
    return (found, unknown)
  }
}

private func elapsed(_ since: Timestamp, _ now: Timestamp) -> Duration {
  .milliseconds(now.milliseconds - since.milliseconds)
}

extension FleetReading.Rest {
  /// A short rest is how breakers work, and nothing to tell.
  fileprivate var isLong: Bool { length >= .seconds(5) }

  fileprivate var kind: Condition.Kind? {
    switch reason {
    case .funds: .providerFunds
    case .account: .providerAccount
    case .gone: .providerGone
    case .failures, .rate: .breakerOpen
    case .hand: nil
    }
  }
}

extension Condition.Kind {
  /// For how long it must have been so.
  fileprivate var patience: Duration {
    switch self {
    case .providerLatency: .seconds(60)
    // One event that was announced again after hours is old for a moment.
    case .ledgerLag: .seconds(3)
    // A process that was stopped for a while finds a long silence with its first look.
    case .broker: .seconds(7)
    case .providerFunds, .providerAccount, .providerGone, .breakerOpen, .laneWait, .deadLetters, .ledgerQuarantine:
      .zero
    }
  }

  /// For how long it must have been well.
  fileprivate var convalescence: Duration {
    switch self {
    case .providerFunds, .providerAccount, .providerGone, .breakerOpen, .broker: .seconds(10)
    case .providerLatency, .laneWait, .deadLetters, .ledgerLag, .ledgerQuarantine: .seconds(30)
    }
  }
}

/// How many messages a queue gained within the window; what was taken out does not count against them.
private struct LetterGrowth {
  private var depth: Int?
  private var gains: [(at: Timestamp, count: Int)] = []

  var grown: Int { gains.reduce(0) { $0 + $1.count } }

  mutating func saw(_ depth: Int, at now: Timestamp) {
    if let last = self.depth, depth > last { gains.append((now, depth - last)) }
    self.depth = depth
    gains.removeAll { elapsed($0.at, now) >= ConditionRules.window }
  }
}
