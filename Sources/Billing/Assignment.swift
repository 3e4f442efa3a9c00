package import Contracts

/// What an administrator laid down for one user. It outranks the tier that a message claims.
package struct Assignment: Sendable, Hashable {
  package var userID: String
  /// A tier code or alias as given; nil leaves the tier to message and default.
  package var tier: String?
  package var overrides: UserOverrides
  package var changedAt: Timestamp
  /// Who did it and why, in their own words.
  package var changedBy: String
  package var reason: String

  package init(
    userID: String, tier: String?, overrides: UserOverrides, changedAt: Timestamp, changedBy: String, reason: String
  ) {
    self.userID = userID
    self.tier = tier
    self.overrides = overrides
    self.changedAt = changedAt
    self.changedBy = changedBy
    self.reason = reason
  }
}

extension Assignment {
  /// The form of it that admission reads.
  package var entitlement: Entitlement {
    let quotas = overrides.quotas
    let rate = overrides.rateLimit
    return Entitlement(
      tier: tier, concurrency: overrides.concurrency, monthlyCap: overrides.monthlyUsd, hardStop: overrides.hardStop,
      quotas: .init(
        tokens: quotas?.tokens, audioSeconds: quotas?.audioSeconds, videoMinutes: quotas?.videoMinutes,
        jobs: quotas?.jobs),
      rate: .init(perMinute: rate?.rpm, perSecond: rate?.rps, burst: rate?.burst))
  }
}

/// One line of the audit: who changed what, when and why. Lines are only ever added.
package struct AssignmentChange: Sendable, Hashable {
  /// What an assignment grants; nil stands for no assignment.
  package struct Grant: Sendable, Hashable, Codable {
    package var tier: String?
    package var overrides: UserOverrides

    package init(tier: String?, overrides: UserOverrides) {
      self.tier = tier
      self.overrides = overrides
    }
  }

  package var userID: String
  package var changedAt: Timestamp
  package var changedBy: String
  package var reason: String
  package var before: Grant?
  package var after: Grant?

  package init(
    userID: String, changedAt: Timestamp, changedBy: String, reason: String, before: Grant?, after: Grant?
  ) {
    self.userID = userID
    self.changedAt = changedAt
    self.changedBy = changedBy
    self.reason = reason
    self.before = before
    self.after = after
  }
}
