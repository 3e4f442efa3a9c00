/// How long to leave a server alone after a failed connect: 0.1 to 0.2 s at first, doubling to 2.5 to 5 s. Pure; the
/// spread keeps a fleet from returning all at once.
struct ReconnectBackoff {
  private(set) var failures = 0

  private static let first = Duration.milliseconds(200)
  private static let last = Duration.seconds(5)

  /// `spread` from 0 to 1, at random: where in the interval the wait ends.
  mutating func next(spread: Double) -> Duration {
    let ceiling = min(ReconnectBackoff.last, ReconnectBackoff.first * (1 << min(failures, 8)))
    failures += 1
    return ceiling * (0.5 + spread / 2)
  }

  mutating func reset() { failures = 0 }
}
