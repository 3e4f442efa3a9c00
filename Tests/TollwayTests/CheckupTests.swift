import Testing

@testable import tollway

struct CheckupTests {
  @Test func `all fine is no failure, warnings included`() {
    var checkup = Checkup()
    checkup.fine("Redis", "7.0")
    checkup.warn("prices", "old", "check them")
    checkup.note("timeout", "unknown")
    #expect(checkup.failure == nil)
    #expect(
      checkup.lines(Style(isColoured: false)) == [
        "✓ Redis    7.0", "! prices   old", "    check them", "· timeout  unknown",
      ])
  }

  @Test func `a failed check ends with 1, an unreachable server with 75`() {
    var checkup = Checkup()
    checkup.fail("ledger", "gone", "bring it back")
    #expect(checkup.failure?.exit == .failed)
    checkup.fail("Redis", tollway.CommandFailure(.unreachable, "refused", "start it"))
    #expect(checkup.failure?.exit == .unreachable)
  }
}
