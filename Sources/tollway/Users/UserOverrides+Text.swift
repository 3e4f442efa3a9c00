import Billing

extension UserOverrides {
  /// Every figure that is laid down, by its name in the policy file, in the order of that file.
  var figures: [(name: String, value: String)] {
    let all: [(String, String?)] = [
      ("concurrency", concurrency.map(String.init)), ("monthlyUsd", monthlyUsd?.inTable),
      ("hardStop", hardStop.map { "\($0)" }), ("tokens", quotas?.tokens.map(String.init)),
      ("audio_seconds", quotas?.audioSeconds.map(String.init)),
      ("video_minutes", quotas?.videoMinutes.map(String.init)), ("jobs", quotas?.jobs.map(String.init)),
      ("rpm", rateLimit?.rpm.map(String.init)), ("rps", rateLimit?.rps.map(String.init)),
      ("burst", rateLimit?.burst.map(String.init)),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  /// `concurrency 4, rpm 60`; empty when nothing is laid down.
  var text: String { figures.map { "\($0.name) \($0.value)" }.joined(separator: ", ") }
}
