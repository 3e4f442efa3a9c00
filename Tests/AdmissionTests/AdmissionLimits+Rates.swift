import Contracts

extension AdmissionLimits {
  /// Rates and nothing else.
  init(perMinute: Int? = nil, perSecond: Int? = nil, burst: Int? = nil) {
    self.init()
    self.perMinute = perMinute
    self.perSecond = perSecond
    self.burst = burst
  }
}
