import Contracts
import Synchronization
import Testing

@testable import tollway

struct LedgerLagTests {
  private final class Clock: Sendable {
    let milliseconds = Mutex<Int64>(1_000_000)
    func now() -> Timestamp { Timestamp(milliseconds: milliseconds.withLock { $0 }) }
    func pass(_ seconds: Int64) { milliseconds.withLock { $0 += seconds * 1000 } }
  }

  private let clock = Clock()
  private let lag: LedgerLag

  init() {
    lag = LedgerLag(now: clock.now)
  }

  private func event(_ time: Timestamp, corrects: String? = nil) -> [UInt8] {
    CostEvent(
      jobID: "j", run: "r", attempt: 1, seriesID: nil, userID: "u", tier: "T", taskType: .echo, provider: "p",
      model: "m", modelVersion: nil, outcome: .success, usage: [], cost: Cost(.zero, basis: .estimate, priceID: nil),
      time: time, chargePeriod: "2026-11", corrects: corrects, correction: corrects == nil ? nil : 1
    ).encoded()
  }

  @Test func `what is in hand grows older until it is settled`() {
    #expect(lag.look() == .zero)
    lag.took(3, first: event(Timestamp(milliseconds: 990_000)))
    #expect(lag.look() == .seconds(10))
    clock.pass(30)
    lag.settled(2)
    #expect(lag.look() == .seconds(40))
    lag.settled(1)
    #expect(lag.look() == .zero)
    #expect(lag.figure == .zero)
  }

  @Test func `a batch that came late counts for one look`() {
    lag.booked(.seconds(9))
    lag.booked(.seconds(4))
    #expect(lag.look() == .seconds(9))
    #expect(lag.look() == .zero)
  }

  @Test func `a correction counts from when it came, whatever it corrects`() {
    lag.took(1, first: event(Timestamp(milliseconds: 0), corrects: "j/r/1"))
    clock.pass(5)
    #expect(lag.look() == .seconds(5))
  }

  @Test func `what cannot be read counts from when it came`() {
    lag.took(1, first: Array("{".utf8))
    clock.pass(5)
    #expect(lag.look() == .seconds(5))
  }
}
