import Billing
import Catalog
import Contracts

/// One limit of a user as it counts now, what it is compared with, and where it comes from.
struct UserLimit: Encodable {
  enum Origin: String, Encodable { case tier, override }

  /// As in the policy file.
  let name: String
  /// Nil is unlimited.
  let value: String?
  let origin: Origin

  /// All limits of a user, in the order of the policy file.
  /// - Parameter tier: the user's, before anything was laid over it.
  static func all(of tier: TierPolicy, _ assignment: Assignment?) -> [UserLimit] {
    let granted = tier.granting(assignment?.entitlement)
    let laidDown = Set(assignment?.overrides.figures.map(\.name) ?? [])
    let concurrency = granted.concurrency == TierPolicy.unlimitedConcurrency ? nil : granted.concurrency
    let values: [(String, String?)] = [
      ("concurrency", concurrency.map(String.init)), ("monthlyUsd", granted.costCap?.monthly.description),
      ("hardStop", granted.costCap.map { "\($0.isHard)" }), ("tokens", granted.monthly.tokens.map(String.init)),
      ("audio_seconds", granted.monthly.audioSeconds.map(String.init)),
      ("video_minutes", granted.monthly.videoMinutes.map(String.init)),
      ("jobs", granted.monthly.jobs.map(String.init)), ("rpm", granted.rate?.perMinute.map(String.init)),
      ("rps", granted.rate?.perSecond.map(String.init)),
      ("burst", (granted.rate?.burst ?? granted.rate?.perSecond).map(String.init)),
    ]
    return values.map { name, value in
      UserLimit(name: name, value: value, origin: laidDown.contains(name) ? .override : .tier)
    }
  }
}
