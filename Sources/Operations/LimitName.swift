/// A limit of a user. The raw values are those of the policy file, and stand in JSON.
package enum LimitName: String, Sendable, Hashable, Encodable, CaseIterable {
  case concurrency, monthlyUsd, hardStop, tokens
  case audioSeconds = "audio_seconds"
  case videoMinutes = "video_minutes"
  case jobs, rpm, rps, burst

  /// For people.
  package var label: String {
    switch self {
    case .concurrency: "concurrency"
    case .monthlyUsd: "USD a month"
    case .hardStop: "hard stop"
    case .tokens: "tokens a month"
    case .audioSeconds: "seconds of audio a month"
    case .videoMinutes: "minutes of video a month"
    case .jobs: "jobs a month"
    case .rpm: "starts a minute"
    case .rps: "starts a second"
    case .burst: "burst"
    }
  }
}
