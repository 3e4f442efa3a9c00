/// How often a provider that works in the background is asked how far it is. Pure.
struct PollPace: Sendable, Hashable {
  var first: Duration = .seconds(2)
  var longest: Duration = .seconds(10)

  /// Before the question number `count` (from 0): half as much longer each time, a fifth more or less.
  /// - Parameters:
  ///   - asked: what the provider asked for, if it is more.
  ///   - jitter: -1 to 1.
  func pause(before count: Int, asked: Duration? = nil, jitter: Double = .random(in: -1...1)) -> Duration {
    var pause = first
    for _ in 0..<min(count, 16) where pause < longest { pause = min(pause * 3 / 2, longest) }
    return max(pause * (1 + jitter / 5), asked ?? .zero)
  }
}
