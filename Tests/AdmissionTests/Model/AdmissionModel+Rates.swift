import Admission
import Contracts

extension AdmissionModel {
  /// When the next start is allowed, in microseconds; not before now. Starts of the future can only be of a clock that
  /// was set back: they count as now.
  mutating func nextStart(_ user: String, _ limits: AdmissionLimits) -> Int64 {
    var instant = micros
    let full = users[user]?.fullAgain ?? 0
    if let rate = limits.perSecond {
      let (interval, burst) = (Self.interval(rate), Int64(limits.burst ?? rate))
      if full > micros + burst * interval { users[user, default: User()].fullAgain = micros + burst * interval }
      instant = max(instant, max(micros, min(full, micros + burst * interval)) - (burst - 1) * interval)
    }
    if let most = limits.perMinute {
      let starts = (users[user]?.starts ?? []).filter { $0 > micros - 60_000_000 }.map { min($0, micros) }
      users[user, default: User()].starts = starts
      if starts.count >= most { instant = max(instant, starts[starts.count - most] + 60_000_000) }
    }
    return instant
  }

  /// Counts a start now, and checks every window that ends with it.
  mutating func start(_ user: String, _ limits: AdmissionLimits) throws {
    if let rate = limits.perSecond {
      let (interval, burst) = (Self.interval(rate), Int64(limits.burst ?? rate))
      let full = users[user]?.fullAgain ?? 0
      users[user, default: User()].fullAgain = max(micros, min(full, micros + burst * interval)) + interval
    }
    let starts = (users[user]?.starts ?? []) + [micros]
    users[user, default: User()].starts = starts
    let minute = starts.count { $0 > micros - 60_000_000 }
    try require(minute <= limits.perMinute ?? .max, "\(minute) starts of \(user) in a minute")
    if let rate = limits.perSecond {
      for (index, first) in starts.enumerated() {
        let most = Int64(limits.burst ?? rate) + (micros - first) / Self.interval(rate)
        try require(
          Int64(starts.count - index) <= most, "\(starts.count - index) starts of \(user) in \(micros - first) us")
      }
    }
  }

  /// Microseconds between sustained starts.
  static func interval(_ perSecond: Int) -> Int64 { (1_000_000 + Int64(perSecond) - 1) / Int64(perSecond) }
}
