import Admission
import Billing
import Contracts

// What is out of order, or worth knowing, beside what decides whether work flows.

extension VerdictJudge {
  struct Remark: Hashable {
    /// Without a full stop, in the middle of a sentence.
    var clause: String
    var act: String?
    /// Whether somebody should look at it.
    var isFault = true

    var sentence: String { clause.prefix(1).uppercased() + clause.dropFirst() + "." }
  }

  /// The gravest first.
  var remarks: [Remark] {
    var remarks: [Remark] = []
    func add(_ clause: String?, _ act: String? = nil, isFault: Bool = true) {
      if let clause { remarks.append(Remark(clause: clause, act: act, isFault: isFault)) }
    }
    add(money.clause, money.act)
    add(has(.ledgerQuarantine) ? "cost events came that cannot be booked" : nil, "tollway ledger quarantine")
    let dying = sample.deadGrowth
    add(
      has(.deadLetters) || dying > Self.usualLetters
        ? dying > 0 ? "\(jobs(dying)) died within the last five minutes" : "more jobs died than usual" : nil,
      "tollway dead list")
    for row in sample.providers.map(\.row) where row.state != .serving && row.state != .held {
      add(clause(row), row.state == .probing ? nil : "tollway providers")
    }
    for condition in sample.conditions ?? [] where condition.key.kind == .providerLatency {
      guard case .provider(let name) = condition.key.subject else { continue }
      add("calls of provider \(name) take long", "tollway providers")
    }
    let held = sample.providers.map(\.row).filter { $0.state == .held }
    for row in held { add(clause(row), isFault: false) }
    if sample.freeze.isOn == true {
      let since = sample.freeze.since.map { " since \($0.clock)" } ?? ""
      let by = sample.freeze.by.map { " by \($0)" } ?? ""
      add("versions of models are frozen\(since)\(by)", isFault: false)
    }
    if let blocked = sample.blocked, blocked > 0 {
      let one = blocked == 1
      add(
        "\(jobs(blocked)) \(one ? "was" : "were") stopped by a cap or a quota of \(one ? "its user" : "their users")",
        isFault: false)
    }
    if sample.hold == nil { for notice in sample.notices { add(lowered(notice), isFault: false) } }
    return remarks
  }

  /// New letters within five minutes that need nobody, where no condition says otherwise.
  private static let usualLetters = 10
  private static let longestUnbooked: Duration = .seconds(60)

  private var money: (clause: String?, act: String?) {
    if let unbooked = sample.unbooked, unbooked > Self.longestUnbooked {
      let count = sample.money?.eventsWaiting.map { "\($0) " } ?? ""
      return ("\(count)cost events have waited \(words(unbooked)) without being booked", "tollway billing")
    }
    if has(.ledgerLag) { return ("the ledger is behind: costs are booked late", "tollway doctor") }
    guard sample.ledger.isAway, sample.ledger.age != nil else { return (nil, nil) }
    return ("the ledger has not answered since \(sample.ledger.awaySince?.clock ?? "then")", "tollway doctor")
  }

  func has(_ kind: Condition.Kind) -> Bool { sample.conditions?.contains { $0.key.kind == kind } ?? false }

  private func lowered(_ notice: String) -> String {
    notice.hasPrefix("Redis") ? notice : notice.prefix(1).lowercased() + notice.dropFirst()
  }

  // MARK: providers

  func clause(_ row: ProviderBoard.Row) -> String {
    let name = row.model.map { "model \($0) of provider \(row.provider)" } ?? "provider \(row.provider)"
    let since = row.since.flatMap { Timestamp($0) }.map { " for \($0.words(until: sample.time))" } ?? ""
    switch row.state {
    case .held: return "\(name) has been held by \(row.by ?? "hand")\(since)"
    case .probing: return "\(name) has rested\(since) and is tried right now"
    case .serving, .resting: return "\(name) has rested\(since): \(row.cause?.words ?? "no reason is known")"
    }
  }

  func sentence(_ row: ProviderBoard.Row) -> String { Remark(clause: clause(row)).sentence }

  /// What a provider that does not serve does.
  func verb(_ rows: [ProviderBoard.Row]) -> String { rows.contains { $0.state == .held } ? "is held" : "rests" }

  // MARK: what it is not

  /// What can be ruled out with what is known.
  func excluded(by verdict: Verdict) -> [String] {
    guard verdict.state != .unknown else { return [] }
    var excluded: [String] = []
    if sample.workers > 0, sample.busy < sample.slots, sample.lanes.contains(where: { $0.consumers != 0 }) {
      excluded.append("the workers (\(sample.busy) of \(sample.slots) slots busy)")
    }
    if sample.providers.contains(where: { $0.row.model == nil }),
      sample.providers.allSatisfy({ $0.row.state == .serving })
    {
      excluded.append("the providers (none rests or is held)")
    }
    if sample.lanes.allSatisfy({ $0.waitingTheirs == 0 }) { excluded.append("limits of users (nobody waits for one)") }
    if sample.hold == nil { excluded.append("Redis (it answers)") }
    if !sample.broker.isAway, !has(.broker) { excluded.append("the broker (it answers)") }
    return excluded
  }
}
