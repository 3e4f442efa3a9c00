import Admission
import Contracts
import HTTPTypes
import Hummingbird

/// `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers says them, for the two windows of the door:
/// `rps`, a bucket that holds `burst` and fills at `q` a second, and `rpm`, any 60 seconds. `t` is the time until there is
/// one more.
enum RateLimitFields {
  static func fields(_ limits: AdmissionLimits, _ windows: DoorWindows) -> HTTPFields {
    var policies: [String] = []
    var states: [String] = []
    if let window = windows.bucket, let perSecond = limits.perSecond {
      policies.append(#""rps";q=\#(perSecond);w=1;burst=\#(limits.burst ?? perSecond)"#)
      states.append(state("rps", window))
    }
    if let window = windows.minute, let perMinute = limits.perMinute {
      policies.append(#""rpm";q=\#(perMinute);w=60"#)
      states.append(state("rpm", window))
    }
    guard !policies.isEmpty else { return [:] }
    return [.rateLimitPolicy: policies.joined(separator: ", "), .rateLimit: states.joined(separator: ", ")]
  }

  private static func state(_ name: String, _ window: DoorWindows.Window) -> String {
    #""\#(name)";r=\#(window.left);t=\#((window.next.milliseconds + 999) / 1000)"#
  }
}

extension Problem {
  /// Of an answer that lets nothing in.
  init(refusing answer: DoorAnswer, _ limits: AdmissionLimits) {
    switch answer {
    case .pass, .known: fatalError("Bug: a job that may come in is refused")
    case .conflict: self.init(.idConflict, "another body or another user has this id", member: "id")
    case .rate(let time, let windows):
      self.init(.rateLimited, "the user sends more than its tier allows", limit: "rate", retryAfter: time)
      headers = RateLimitFields.fields(limits, windows)
    case .usedUp(.money, let time, let windows):
      self.init(
        .costCapReached, "the user's cost cap holds until the month ends", limit: MonthlyLimit.money.quotaName,
        retryAfter: time.untilNextMonth)
      headers = RateLimitFields.fields(limits, windows)
    case .usedUp(let what, let time, let windows):
      self.init(
        .quotaExceeded, "the user's quota is used up until the month ends", limit: what.quotaName,
        retryAfter: time.untilNextMonth)
      headers = RateLimitFields.fields(limits, windows)
    case .hold(let time):
      self.init(.unavailable, "limits are being restored: nothing was taken", retryAfter: time)
    }
  }
}

extension MonthlyLimit {
  /// As the policy file calls it.
  fileprivate var quotaName: String {
    switch self {
    case .money: "cost_cap"
    case .tokens: "tokens"
    case .audio: "audio_seconds"
    case .video: "video_minutes"
    case .jobs: "jobs"
    }
  }
}

extension Timestamp {
  /// UTC.
  fileprivate var untilNextMonth: Duration {
    let period = chargePeriod
    guard let year = Int(period.prefix(4)), let month = Int(period.suffix(2)) else { return .seconds(3600) }
    let digits = String(month % 12 + 101).dropFirst()
    guard let next = Timestamp("\(month == 12 ? year + 1 : year)-\(digits)-01T00:00:00Z") else {
      return .seconds(3600)
    }
    return .milliseconds(next.milliseconds - milliseconds)
  }
}
