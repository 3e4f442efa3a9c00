import ArgumentParser
import Billing
import Contracts

/// The limits that `tollway users set` can lay down, under the names of the policy file.
struct LimitOptions: ParsableArguments {
  @Option(help: "Jobs that may run at once.") var concurrency: Int?
  @Option(help: "The cost cap of a month, in dollars.") var monthlyUsd: String?
  @Option(help: "true: the cap blocks; false: it only alerts.") var hardStop: Bool?
  @Option(help: "Tokens of a month, of all kinds together.") var tokens: Int?
  @Option(help: "Seconds of speech of a month.") var audioSeconds: Int?
  @Option(help: "Minutes of video of a month.") var videoMinutes: Int?
  @Option(help: "Jobs of a month.") var jobs: Int?
  @Option(help: "Starts in any 60 seconds.") var rpm: Int?
  @Option(help: "Sustained starts a second.") var rps: Int?
  @Option(help: "Starts that may come at once, with --rps.") var burst: Int?

  func validate() throws {
    if let monthlyUsd, Money(monthlyUsd) == nil { throw ValidationError("--monthly-usd: must be a number of dollars") }
    if let fault = laid(over: .none).fault { throw ValidationError(fault) }
  }

  /// Whether nothing is named.
  var isEmpty: Bool { laid(over: .none) == .none }

  /// What is not named stays as it was.
  func laid(over before: UserOverrides) -> UserOverrides {
    var overrides = before
    overrides.concurrency = concurrency ?? before.concurrency
    overrides.monthlyUsd = monthlyUsd.flatMap { Money($0) } ?? before.monthlyUsd
    overrides.hardStop = hardStop ?? before.hardStop
    if [tokens, audioSeconds, videoMinutes, jobs].contains(where: { $0 != nil }) {
      overrides.quotas = .init(
        tokens: tokens ?? before.quotas?.tokens, audioSeconds: audioSeconds ?? before.quotas?.audioSeconds,
        videoMinutes: videoMinutes ?? before.quotas?.videoMinutes, jobs: jobs ?? before.quotas?.jobs)
    }
    if [rpm, rps, burst].contains(where: { $0 != nil }) {
      overrides.rateLimit = .init(
        rpm: rpm ?? before.rateLimit?.rpm, rps: rps ?? before.rateLimit?.rps, burst: burst ?? before.rateLimit?.burst)
    }
    return overrides
  }
}
