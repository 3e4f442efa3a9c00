/// Growing pauses between attempts, each drawn between half and the whole of its step so that a fleet does not come
/// back in one wave.
struct Backoff {
  static let shortest = Duration.milliseconds(200)
  static let longest = Duration.seconds(10)

  private var step = Self.shortest

  mutating func next() -> Duration {
    defer { step = min(step * 2, Self.longest) }
    return step * Double.random(in: 0.5...1)
  }

  mutating func reset() { step = Self.shortest }
}
