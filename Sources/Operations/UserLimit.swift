package import Billing
package import Catalog
package import Contracts

/// One limit of a user as it counts now, what it is compared with, and where it comes from.
package struct UserLimit: Sendable, Encodable {
  package enum Origin: String, Sendable, Encodable { case tier, override }

  package let name: LimitName
  /// Nil is unlimited.
  package let value: String?
  package let origin: Origin

  /// All limits of a user, in the order of the policy file.
  /// - Parameter tier: the user's, before anything was laid over it.
  package static func all(of tier: TierPolicy, granting entitlement: Entitlement?) -> [UserLimit] {
    let granted = tier.granting(entitlement)
    let own = entitlement ?? Entitlement()
    let concurrency = granted.concurrency == TierPolicy.unlimitedConcurrency ? nil : granted.concurrency
    func limit(_ name: LimitName, _ value: String?, isOwn: Bool) -> UserLimit {
      UserLimit(name: name, value: value, origin: isOwn ? .override : .tier)
    }
    return [
      limit(.concurrency, concurrency.map(String.init), isOwn: own.concurrency != nil),
      limit(.monthlyUsd, granted.costCap?.monthly.description, isOwn: own.monthlyCap != nil),
      limit(.hardStop, granted.costCap.map { "\($0.isHard)" }, isOwn: own.hardStop != nil),
      limit(.tokens, granted.monthly.tokens.map(String.init), isOwn: own.quotas.tokens != nil),
      limit(.audioSeconds, granted.monthly.audioSeconds.map(String.init), isOwn: own.quotas.audioSeconds != nil),
      limit(.videoMinutes, granted.monthly.videoMinutes.map(String.init), isOwn: own.quotas.videoMinutes != nil),
      limit(.jobs, granted.monthly.jobs.map(String.init), isOwn: own.quotas.jobs != nil),
      limit(.rpm, granted.rate?.perMinute.map(String.init), isOwn: own.rate.perMinute != nil),
      limit(.rps, granted.rate?.perSecond.map(String.init), isOwn: own.rate.perSecond != nil),
      limit(
        .burst, (granted.rate?.burst ?? granted.rate?.perSecond).map(String.init), isOwn: own.rate.burst != nil),
    ]
  }

  package static func all(of tier: TierPolicy, _ assignment: Assignment?) -> [UserLimit] {
    all(of: tier, granting: assignment?.entitlement)
  }
}
