/// How long a serving process rests before it is started again: one second, doubled each time it ends soon, at most a
/// minute; one that served for a minute starts afresh. Pure.
struct RestartBackoff: Sendable, Hashable {
  private var ends = 0

  static let longest = Duration.seconds(60)

  /// - Parameter lifetime: from start to end of the process.
  mutating func rest(afterLifetime lifetime: Duration) -> Duration {
    if lifetime >= Self.longest { ends = 0 }
    ends = min(ends + 1, 7)
    return min(.seconds(1 << (ends - 1)), Self.longest)
  }
}
