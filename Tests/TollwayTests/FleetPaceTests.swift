import Admission
import Contracts
import Operations
import Testing

struct FleetPaceTests {
  private var pace = FleetPace()

  private func report(_ worker: String, taken: Int64, ended: Int64) -> WorkerReport {
    var report = WorkerReport(worker: worker, slots: 4)
    report.taken[.high] = taken
    report.ended[.high] = ended
    report.finished = ended
    return report
  }

  private func second(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

  @Test mutating func `what was there before the first look does not count, and a few seconds say nothing`() {
    pace.look([report("w1", taken: 1000, ended: 900)], at: second(0))
    #expect(pace.takenPerMinute(.high) == nil && pace.finishedPerMinute == nil && pace.lastEnd == nil)
    pace.look([report("w1", taken: 1004, ended: 902)], at: second(4))
    #expect(pace.takenPerMinute(.high) == nil && pace.lastEnd == second(4))
    pace.look([report("w1", taken: 1010, ended: 905)], at: second(10))
    #expect(pace.takenPerMinute(.high) == 60 && pace.endedPerMinute(.high) == 30 && pace.finishedPerMinute == 30)
    #expect(pace.takenPerMinute(.low) == 0)
  }

  @Test mutating func `only the last minute counts`() {
    for step in 0...12 { pace.look([report("w1", taken: Int64(step) * 10, ended: 0)], at: second(Int64(step) * 10)) }
    #expect(pace.takenPerMinute(.high) == 60)
    for step in 13...18 { pace.look([report("w1", taken: 120, ended: 0)], at: second(Int64(step) * 10)) }
    #expect(pace.takenPerMinute(.high) == 0)
  }

  @Test mutating func `a worker that comes later counts from its beginning, one that goes keeps what it did`() {
    pace.look([report("w1", taken: 100, ended: 100)], at: second(0))
    pace.look([report("w2", taken: 5, ended: 5)], at: second(10))
    #expect(pace.takenPerMinute(.high) == 30)
    pace.look([report("w1", taken: 105, ended: 105), report("w2", taken: 5, ended: 5)], at: second(20))
    #expect(pace.takenPerMinute(.high) == 30)
  }

  @Test mutating func `a clock that was set back begins anew`() {
    pace.look([report("w1", taken: 0, ended: 0)], at: second(1000))
    pace.look([report("w1", taken: 10, ended: 0)], at: second(1010))
    pace.look([report("w1", taken: 20, ended: 0)], at: second(10))
    #expect(pace.takenPerMinute(.high) == nil)
    pace.look([report("w1", taken: 30, ended: 0)], at: second(20))
    #expect(pace.takenPerMinute(.high) == 60)
  }
}
