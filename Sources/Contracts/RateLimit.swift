/// How fast jobs of a user may start. Nil is unlimited, or follows the tier where it stands for one user.
package struct RateLimit: Sendable, Hashable {
  /// Starts in any 60 seconds.
  package var perMinute: Int?
  /// Sustained starts a second.
  package var perSecond: Int?
  /// Starts above the sustained rate that may come at once; the default is `perSecond`.
  package var burst: Int?

  package init(perMinute: Int? = nil, perSecond: Int? = nil, burst: Int? = nil) {
    self.perMinute = perMinute
    self.perSecond = perSecond
    self.burst = burst
  }
}
