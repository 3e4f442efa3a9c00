package import Contracts

extension TierPolicy {
  /// The tier with what was laid down for one user in the place of its own figures. A cap where the tier has none
  /// blocks, as in the policy file.
  package func granting(_ entitlement: Entitlement?) -> TierPolicy {
    guard let entitlement else { return self }
    var granted = self
    granted.concurrency = entitlement.concurrency ?? concurrency
    granted.monthly = MonthlyQuotas(
      tokens: entitlement.quotas.tokens ?? monthly.tokens,
      audioSeconds: entitlement.quotas.audioSeconds ?? monthly.audioSeconds,
      videoMinutes: entitlement.quotas.videoMinutes ?? monthly.videoMinutes,
      jobs: entitlement.quotas.jobs ?? monthly.jobs)
    let rate = RateLimit(
      perMinute: entitlement.rate.perMinute ?? rate?.perMinute,
      perSecond: entitlement.rate.perSecond ?? rate?.perSecond, burst: entitlement.rate.burst ?? rate?.burst)
    granted.rate = rate == RateLimit() ? nil : rate
    granted.costCap = (entitlement.monthlyCap ?? costCap?.monthly).map {
      CostCap(monthly: $0, isHard: entitlement.hardStop ?? costCap?.isHard ?? true)
    }
    return granted
  }
}
