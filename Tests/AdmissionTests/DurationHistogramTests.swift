import Contracts
import Testing

@testable import Admission

struct DurationHistogramTests {
  @Test func `a percentile is within two fifths of the truth, whatever the size`() throws {
    for scale in [15, 200, 3000, 70_000, 1_500_000] {
      var histogram = DurationHistogram()
      for each in 1...100 { histogram.add(.milliseconds(scale * each / 50)) }
      let truth = Double(scale * 95 / 50)
      let found = try #require(histogram.percentile(95)).seconds * 1000
      #expect((truth / 1.42...truth * 1.42).contains(found), "\(found) ms, not \(truth)")
      let mean = try #require(histogram.mean)
      #expect(abs(mean.seconds * 1000 - Double(scale) * 50.5 / 50) < Double(scale) / 20 + 1)
    }
  }

  @Test func `few long ones do not move it, one in twenty and a bit does`() throws {
    var histogram = DurationHistogram()
    for _ in 0..<95 { histogram.add(.milliseconds(20)) }
    for _ in 0..<5 { histogram.add(.seconds(600)) }
    #expect(try #require(histogram.percentile(95)) <= .milliseconds(20))
    histogram.add(.seconds(600))
    #expect(try #require(histogram.percentile(95)) > .seconds(300))
  }

  @Test func `what is beyond an hour or below zero has its end of the scale`() {
    var histogram = DurationHistogram()
    #expect(histogram.percentile(95) == nil)
    #expect(histogram.mean == nil)
    histogram.add(.seconds(-5))
    #expect(histogram.mean == .zero)
    for _ in 0..<99 { histogram.add(.seconds(100_000)) }
    #expect((Duration.seconds(3600)...Duration.seconds(5400)).contains(histogram.percentile(50) ?? .zero))
  }

  @Test func `what workers counted adds up`() {
    var all = DurationHistogram()
    var parts = [DurationHistogram](repeating: DurationHistogram(), count: 3)
    for each in 0..<300 {
      all.add(.milliseconds(each * each))
      parts[each % 3].add(.milliseconds(each * each))
    }
    #expect(parts.reduce(into: DurationHistogram()) { $0.add($1) } == all)
  }

  @Test func `a report carries them and stays small`() throws {
    var report = WorkerReport(worker: "w1", slots: 4)
    var wide = DurationHistogram()
    for each in 0..<2000 { wide.add(.milliseconds(each * each)) }
    for lane in Lane.allCases {
      report.running[lane] = 1
      report.buffered[lane] = 0
      report.waits[lane] = wide
      report.taken[lane] = 1_000_000
    }
    for number in 0..<100 { report.calls["provider-\(number)"] = wide }
    report.calls["busiest"] = wide
    report.calls["busiest"]?.add(wide)
    let bytes = report.encoded(at: Timestamp(milliseconds: 5))
    #expect(bytes.count < 20_000)
    let read = try #require(WorkerReport(worker: "w1", decoding: bytes))
    #expect(read.waits == report.waits)
    #expect(read.taken == report.taken)
    #expect(read.calls.count == 64)
    #expect(read.calls["busiest"] == report.calls["busiest"])
  }

  @Test func `reports of an older release and reports out of form have none`() throws {
    func read(_ more: String) throws -> WorkerReport {
      let text = #"{"at":1,"slots":4,"critical":[0,0],"high":[0,0],"standard":[0,0],"low":[1,2,3]\#(more)}"#
      return try #require(WorkerReport(worker: "w", decoding: Array(text.utf8)))
    }
    #expect(try read("").waits.isEmpty)
    for form in ["[]", "[1,2]", "[1,38,1,1]", "[-1,0,1]", "[1,0,-1]", "[1,99999999,1]", #"[1,"0",1]"#, "7"] {
      #expect(try read(#","calls":{"p":\#(form)},"waits":{"low":\#(form)}"#).calls.isEmpty, "\(form)")
      #expect(try read(#","calls":{"p":\#(form)},"waits":{"low":\#(form)}"#).waits.isEmpty, "\(form)")
    }
    #expect(try read(#","calls":{"p":[1,38,1]}"#).calls["p"]?.count == 1)
  }

  @Test func `the fleet's figures are of all workers together`() throws {
    func report(_ worker: String, _ waits: [Int], _ calls: [Int]) -> WorkerReport {
      var report = WorkerReport(worker: worker, slots: 1)
      for wait in waits { report.waits[.high, default: DurationHistogram()].add(.seconds(wait)) }
      for call in calls { report.calls["openai", default: DurationHistogram()].add(.seconds(call)) }
      return report
    }
    let figures = FleetFigures(
      at: Timestamp(milliseconds: 0),
      workers: [report("a", [1, 1], []), report("b", [9, 9], [2]), report("c", [], [4])])
    #expect(figures.waits(.high).count == 4)
    #expect(figures.waits(.high).mean == .seconds(5))
    #expect(try #require(figures.waits(.high).percentile(95)) > .seconds(6))
    #expect(figures.waits(.low).percentile(95) == nil)
    #expect(figures.calls("openai").mean == .seconds(3))
  }
}
