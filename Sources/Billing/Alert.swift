import Catalog
package import Contracts

/// Something that an administrator is told once: that a month has reached a share of its cap or quota. Written with the
/// rows that gave reason to it, sent after the commit. There is one for each scope, period, kind and threshold.
package struct Alert: Sendable, Hashable {
  package enum Kind: String, Sendable {
    case costCap = "cost_cap"
    /// Of tokens, audio seconds, video minutes or jobs.
    case quota
  }

  package enum Severity: String, Sendable { case info, warning, error }

  /// What was set, and how much of it is used, as decimal texts.
  package struct Share: Sendable, Hashable {
    /// `usd`, or the quota's name in the policy file.
    package var unit: String
    package var limit: String
    package var used: String
    /// Whether jobs are blocked at the limit.
    package var isHard: Bool
  }

  /// In percent, ascending.
  package static let thresholds = [50, 80, 95, 100]

  package var kind: Kind
  package var severity: Severity
  /// `user:anna`, `tier:PRO`, `provider:openai`, `fleet`.
  package var scope: String
  /// Of a user's alert: who it is, and by whose rules.
  package var userID: String?
  package var tier: String?
  /// `2026-11`.
  package var period: String
  /// In percent.
  package var threshold: Int
  package var share: Share
  package var time: Timestamp
}

// What gives reason to an alert, whether or not it was written before. Pure.

extension Alert {
  /// - Parameter tier: of the month's newest row; an assigned one outranks it.
  static func due(
    on month: UserMonth, tier: String, entitlement: Entitlement?, policy: Policy, at time: Timestamp
  ) -> [Alert] {
    let assigned = entitlement?.tier.flatMap { policy.tier(named: $0) }
    let judging = assigned ?? policy.tier(named: tier) ?? policy.effectiveTier(assigned: nil, claimed: nil)
    let granted = judging.granting(entitlement)
    var shares: [(kind: Kind, share: Share, reached: [Int])] = []
    if let cap = granted.costCap {
      let share = Share(
        unit: "usd", limit: cap.monthly.description, used: month.amount.description, isHard: cap.isHard)
      shares.append((.costCap, share, reached(month.amount, of: cap.monthly)))
    }
    for (unit, used, limit) in month.quotas(granted.monthly) {
      let share = Share(unit: unit, limit: "\(limit)", used: used.description, isHard: true)
      shares.append((.quota, share, reached(used.thousandths, of: Int128(limit) * 1000)))
    }
    return shares.flatMap { kind, share, reached in
      reached.map { threshold in
        Alert(
          kind: kind, severity: share.isHard && threshold == 100 ? .error : .warning, scope: "user:\(month.userID)",
          userID: month.userID, tier: granted.code, period: month.chargePeriod, threshold: threshold, share: share,
          time: time)
      }
    }
  }

  static func due(on balance: Balance, budgets: Budgets, at time: Timestamp) -> [Alert] {
    let budget =
      switch balance.scope {
      case .fleet: budgets.fleet
      case .tier(let code): budgets.tiers[code]
      case .provider(let name): budgets.providers[name]
      }
    guard let budget else { return [] }
    return reached(balance.amount, of: budget).map { threshold in
      Alert(
        kind: .costCap, severity: threshold == 100 ? .error : .warning, scope: "\(balance.scope)", userID: nil,
        tier: nil, period: balance.chargePeriod, threshold: threshold,
        share: Share(unit: "usd", limit: budget.description, used: balance.amount.description, isHard: false),
        time: time)
    }
  }

  private static func reached(_ used: Money, of limit: Money) -> [Int] {
    reached(Int128(used.nanoUSD), of: Int128(limit.nanoUSD))
  }

  private static func reached(_ used: Int128, of limit: Int128) -> [Int] {
    used > 0 ? thresholds.filter { used * 100 >= limit * Int128($0) } : []
  }
}

extension ExactDecimal {
  /// Whole ones.
  fileprivate var thousandths: Int128 { rounded(toDecimals: 3) }
}

extension UserMonth {
  /// The quotas that are set: name, used, limit.
  fileprivate func quotas(_ limits: MonthlyQuotas) -> [(String, ExactDecimal, Int)] {
    let tokens = units.reduce(ExactDecimal.zero) { $1.key.isToken ? $0 + $1.value : $0 }
    return [
      limits.tokens.map { ("tokens", tokens, $0) },
      limits.audioSeconds.map { ("audio_seconds", units[.audioSeconds] ?? .zero, $0) },
      limits.videoMinutes.map { ("video_seconds", units[.videoSeconds] ?? .zero, $0 * 60) },
      limits.jobs.map { ("jobs", ExactDecimal(jobs), $0) },
    ].compactMap(\.self)
  }
}

// How an alert is written down and told.

extension Alert {
  /// Writes it unless there is one already.
  static let insert = """
    INSERT INTO alert (scope, period, kind, threshold, severity, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, period, kind, threshold) DO NOTHING
    """

  /// Of the statement. A user has one quota of each unit.
  func values(at time: Timestamp) -> [SQLValue] {
    let kind = kind == .quota ? "\(kind.rawValue)_\(share.unit)" : kind.rawValue
    return [
      .text(scope), .text(period), .text(kind), SQLValue(threshold), .text(severity.rawValue), .bytes(encoded()),
      SQLValue(time),
    ]
  }

  func encoded() -> [UInt8] {
    let isMoney = kind == .costCap
    var json = JSONWriter(capacity: 512)
    json.literal("{")
    json.member("kind", kind.rawValue)
    json.member("severity", severity.rawValue)
    json.member("scope", scope)
    json.member("state", "raised")
    json.member("message", message)
    json.member("action", action)
    json.member("userId", userID)
    json.member("tier", tier)
    json.member("period", period)
    json.member("threshold", Int64(threshold))
    json.member("unit", share.unit)
    json.member(isMoney ? "capUsd" : "limit", share.limit)
    json.member(isMoney ? "amountUsd" : "used", share.used)
    json.key("hardStop")
    json.literal(share.isHard ? "true" : "false")
    json.member("time", time)
    json.literal("}")
    return json.bytes
  }

  private var message: String {
    let cap = kind == .costCap ? Money(share.limit) : nil
    let what = cap.map { "\($0.text(atLeast: 2)) USD" } ?? "\(share.limit) \(share.unit)"
    return "\(scope) has used \(threshold) % of its \(what) of \(period)"
  }

  private var action: String {
    switch (userID, kind) {
    case (let user?, .costCap): "tollway users show \(user); tollway users set \(user) --monthly-usd D raises the cap"
    case (let user?, .quota): "tollway users show \(user); tollway users set raises the quota"
    case (nil, _):
      "tollway ledger report --by user --from \(period)-01 shows who; budgets in the policy file set the bound"
    }
  }
}

/// An alert as it lies in the ledger, ready to go out.
package struct StoredAlert: Sendable, Hashable {
  package let number: Int64
  /// The same whenever it is sent, so that a receiver can tell a repetition.
  package let id: String
  /// `<severity>.<kind>`.
  package let routingKey: String
  package let body: [UInt8]
  package let createdAt: Timestamp

  init(_ row: SQLRow) throws(LedgerError) {
    let kind = try row.text("kind")
    number = try row.integer("number")
    id = "\(try row.text("scope"))/\(try row.text("period"))/\(kind)/\(try row.integer("threshold"))"
    routingKey = "\(try row.text("severity")).\(kind)"
    body = try row.bytes("body")
    createdAt = try row.time("created_at")
  }
}
