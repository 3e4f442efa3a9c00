import Admission
import Testing

@testable import Work

@Suite struct BackoffTests {
  private func place(_ expected: Duration) -> WaitPlace {
    WaitPlace(kind: .ladder, reason: .concurrency, until: .zero, expected: expected, position: 1, active: 1)
  }

  @Test(arguments: [(0, 1), (1, 2), (2, 4), (5, 32), (6, 64), (1_000_000, 64)])
  func `each trip on the ladder is twice as long as the one before, up to 64 s`(trips: Int, seconds: Int) {
    #expect(Backoff.delay(for: place(.zero), afterTrips: trips) == .seconds(seconds))
  }

  @Test func `no trip is shorter than the wait that is expected`() {
    #expect(Backoff.delay(for: place(.seconds(9)), afterTrips: 0) == .seconds(9))
    #expect(Backoff.delay(for: place(.seconds(9)), afterTrips: 4) == .seconds(16))
    #expect(Backoff.delay(for: place(.seconds(3600)), afterTrips: 6) == .seconds(3600))
  }
}
