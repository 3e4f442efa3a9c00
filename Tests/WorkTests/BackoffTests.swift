import Testing

@testable import Work

@Suite struct BackoffTests {
  @Test(arguments: [(0, 1), (1, 2), (2, 4), (3, 8), (50, 8)])
  func `a hand-back waits at least a second and at most its rung`(trips: Int, longest: Int) {
    let drawn = Set((0..<200).map { _ in Backoff.delay(afterTrips: trips) })
    #expect(drawn.allSatisfy { $0 >= .seconds(1) && $0 <= .seconds(longest) })
    #expect(drawn.contains(.seconds(longest)))
  }
}
