import Testing

@testable import Redis

@Suite struct ReconnectBackoffTests {
  private func waits(_ count: Int, spread: Double) -> [Duration] {
    var backoff = ReconnectBackoff()
    return (0..<count).map { _ in backoff.next(spread: spread) }
  }

  @Test func `waits double from a tenth of a second to five seconds`() {
    #expect(waits(8, spread: 0) == [100, 200, 400, 800, 1600, 2500, 2500, 2500].map { .milliseconds($0) })
    #expect(waits(8, spread: 1) == [200, 400, 800, 1600, 3200, 5000, 5000, 5000].map { .milliseconds($0) })
  }

  @Test func `an outage of any length does not exceed the longest wait`() {
    #expect(waits(1000, spread: 1).last == .seconds(5))
  }

  @Test func `a success starts over`() {
    var backoff = ReconnectBackoff()
    for _ in 0..<5 { _ = backoff.next(spread: 0) }
    backoff.reset()
    #expect(backoff.next(spread: 0) == .milliseconds(100))
  }
}
