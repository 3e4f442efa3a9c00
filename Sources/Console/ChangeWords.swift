import Billing
import Operations

/// What somebody did and what it changed, in words.
enum ChangeWords {
  /// Before the name of what it was done to. An act of a newer release is told by its own word.
  static func act(_ word: String) -> String { AuditEntry.Act(rawValue: word).map(act) ?? word }

  private static func act(_ act: AuditEntry.Act) -> String {
    switch act {
    case .freezeOn: "froze models"
    case .freezeOff: "unfroze models"
    case .providerHold: "held provider"
    case .providerRelease: "released provider"
    case .providerEndRest: "ended the rest of provider"
    case .userAssign: "set what is granted to user"
    case .userUnassign: "took back what was set for user"
    case .keyCreate: "made key"
    case .keyRevoke: "revoked key"
    case .deadReplay: "replayed dead jobs"
    case .blockedRelease: "released blocked jobs"
    case .jobCancel: "cancelled job"
    }
  }

  /// Every limit that is another one now; nil where nothing of the kind was changed.
  static func difference(_ before: AssignmentChange.Grant?, _ after: AssignmentChange.Grant?) -> String? {
    guard before != nil || after != nil else { return nil }
    let tiers = [before, after].map { $0?.tier ?? "as messages say" }
    var parts = tiers[0] == tiers[1] ? [] : ["tier: \(tiers[0]) → \(tiers[1])"]
    for limit in LimitName.allCases {
      let values = [before, after].map { grant in
        grant.flatMap { value(of: limit, in: $0.overrides) } ?? "as the tier says"
      }
      if values[0] != values[1] { parts.append("\(limit.label): \(values[0]) → \(values[1])") }
    }
    return parts.isEmpty ? "as it was" : parts.joined(separator: "; ")
  }

  private static func value(of limit: LimitName, in own: UserOverrides) -> String? {
    switch limit {
    case .concurrency: own.concurrency.map { Figure.count($0) }
    case .monthlyUsd: own.monthlyUsd.map { Figure.usd($0) }
    case .hardStop: own.hardStop.map { $0 ? "yes" : "no" }
    case .tokens: own.quotas?.tokens.map { Figure.count($0) }
    case .audioSeconds: own.quotas?.audioSeconds.map { Figure.count($0) }
    case .videoMinutes: own.quotas?.videoMinutes.map { Figure.count($0) }
    case .jobs: own.quotas?.jobs.map { Figure.count($0) }
    case .rpm: own.rateLimit?.rpm.map { Figure.count($0) }
    case .rps: own.rateLimit?.rps.map { Figure.count($0) }
    case .burst: own.rateLimit?.burst.map { Figure.count($0) }
    }
  }
}
