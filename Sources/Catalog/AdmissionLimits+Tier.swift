package import Contracts

extension AdmissionLimits {
  /// A soft cap does not stand against anything: billing tells people when it is crossed.
  package init(of tier: TierPolicy) {
    self.init()
    perMinute = tier.rate?.perMinute
    perSecond = tier.rate?.perSecond
    burst = tier.rate?.burst
    monthlyCap = tier.costCap.flatMap { $0.isHard ? $0.monthly : nil }
    tokens = tier.monthly.tokens
    audioSeconds = tier.monthly.audioSeconds
    videoMinutes = tier.monthly.videoMinutes
    jobs = tier.monthly.jobs
  }
}
