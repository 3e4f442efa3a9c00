import Admission
import Contracts
import Testing

@testable import Work

struct PulseTests {
  private let begin = ContinuousClock.now

  private func after(_ seconds: Int) -> ContinuousClock.Instant { begin + .seconds(seconds) }

  @Test func `what is older than a minute is forgotten, what is not counts`() {
    var recent = RecentDurations<String>()
    for second in 0..<300 { recent.add(.seconds(1), to: "a", at: after(second)) }
    let count = recent.all(at: after(299))["a"]?.count ?? 0
    #expect((55...60).contains(count), "\(count)")
    #expect(recent.all(at: after(340))["a"]?.count ?? 0 < 20)
    #expect(recent.all(at: after(360)).isEmpty)
  }

  @Test func `each key has its own`() {
    var recent = RecentDurations<Lane>()
    recent.add(.seconds(1), to: .high, at: begin)
    recent.add(.seconds(3), to: .low, at: after(10))
    recent.add(.seconds(5), to: .low, at: after(20))
    let all = recent.all(at: after(21))
    #expect(all[.high]?.mean == .seconds(1))
    #expect(all[.low]?.mean == .seconds(4))
    #expect(all[.standard] == nil)
  }

  @Test func `the wait of a job that started is reported by its lane`() throws {
    let pulse = Pulse()
    let job = try TestRuns.job(task: .echo, payload: "{}")
    // First seen at 0.
    pulse.started([TestRuns.run(job, [], startedAt: Timestamp(milliseconds: 7000))], at: begin)
    var report = WorkerReport(worker: "w", slots: 1)
    pulse.fill(&report, at: after(1))
    #expect(report.waits[.low]?.mean == .seconds(7))
    #expect(report.waits.count == 1)
    pulse.fill(&report, at: after(100))
    #expect(report.waits.isEmpty)
  }

  @Test func `the time of calls is reported by provider`() {
    let pulse = Pulse()
    pulse.called("openai", for: .seconds(2), at: begin)
    pulse.called("piper", for: .seconds(1), at: begin)
    var report = WorkerReport(worker: "w", slots: 1)
    pulse.fill(&report, at: after(1))
    #expect(report.calls.mapValues(\.mean) == ["openai": .seconds(2), "piper": .seconds(1)])
  }

  @Test func `what was taken of a lane and put back is not taken`() throws {
    let pulse = Pulse()
    let delivery = TestRuns.arrival(try TestRuns.job(task: .echo, payload: "{}")).delivery
    pulse.took([delivery, delivery, delivery])
    pulse.returned([delivery])
    var report = WorkerReport(worker: "w", slots: 1)
    pulse.fill(&report)
    #expect(report.taken == [.low: 2])
  }
}
