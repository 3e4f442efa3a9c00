package import Contracts

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

  /// As the scripts read it; empty when nothing is limited. The interval between sustained starts is rounded up, so that
  /// no window ever holds one start too many. The default burst is `perSecond`.
  var text: String {
    guard isMetered || perMinute != nil || perSecond != nil else { return "" }
    let interval = perSecond.map { (1_000_000 + $0 - 1) / $0 }
    let figures: [Int64?] = [
      perMinute.map { Int64($0) }, interval.map { Int64($0) },
      perSecond.map { Int64(burst ?? $0) }, monthlyCap?.nanoUSD, Self.figure(tokens, 1),
      Self.figure(audioSeconds, 1000),
      Self.figure(videoMinutes, 60_000), Self.figure(jobs, 1),
    ]
    return figures.map { $0.map(String.init) ?? "-" }.joined(separator: " ")
  }

  private static func figure(_ quantity: Int?, _ factor: Int64) -> Int64? {
    quantity.map { Int64(min(Int64($0), Spending.largest / factor)) * factor }
  }
}
