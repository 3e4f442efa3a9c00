/// What a user may do beside its concurrency: rates, and the month's cap and quotas. Nil is unlimited.
package struct AdmissionLimits: Sendable, Hashable {
  /// Starts in any 60 seconds.
  package var perMinute: Int?
  /// Sustained starts a second, and how many may come at once.
  package var perSecond: Int?
  package var burst: Int?
  /// The cost cap of a month, if it is a hard one.
  package var monthlyCap: Money?
  package var tokens: Int?
  package var audioSeconds: Int?
  package var videoMinutes: Int?
  package var jobs: Int?

  package init() {}

  /// Whether money or a quota is limited, so that a worst case has to be reserved.
  package var isMetered: Bool {
    monthlyCap != nil || tokens != nil || audioSeconds != nil || videoMinutes != nil || jobs != nil
  }
}
