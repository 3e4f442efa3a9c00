import Admission
import Contracts
import Operations
import Testing

@testable import Console

@Suite struct CellsTests {
  @Test func `every cell has its place on the plaza, with the same text`() throws {
    let sample = Sample(evil: #"<"x'"#)
    let html = Console.plaza(
      try sample.fleet, sample.verdict, history: sample.trend, changes: sample.changes, sample.chrome)
    let cells = Console.cells(of: try sample.fleet, sample.verdict)
    let elsewhere = Set(Lane.allCases.flatMap { ["\($0.rawValue)-ready", "\($0.rawValue)-consumers"] })
    for cell in cells where !elsewhere.contains(cell.id) {
      #expect(html.contains(#" id="\#(cell.id)""#), "\(cell.id)")
    }
    #expect(Set(cells.map(\.id)).count == cells.count)
    #expect(cells.allSatisfy { ["", "none", "ink", "calm", "warn", "bad"].contains($0.state) })
  }

  @Test func `what is late or waits for us is told from what waits as intended`() throws {
    let cells = Console.cells(of: try Sample().fleet, Sample().verdict)
    let states = Dictionary(uniqueKeysWithValues: cells.map { ($0.id, $0.state) })
    #expect(states["critical-oldest"] == "bad" && states["standard-oldest"] == "calm")
    #expect(states["critical-provider_resting"] == "warn" && states["critical-concurrency"] == "")
    #expect(states["high-concurrency"] == "none")
    #expect(states["verdict"] == "warn" && states["verdict-do"] == "")
  }

  @Test func `a fleet that nobody could read yet has cells, too`() {
    let sample = FleetSample(time: Timestamp(milliseconds: 0))
    let cells = Console.cells(of: sample, Verdict(.unknown, "Nothing is known yet"))
    #expect(cells.first { $0.id == "critical-in" }?.text == "–")
    #expect(cells.first { $0.id == "verdict" }?.state == "ink")
  }

  @Test func `small and large numbers share a scale that can be read`() {
    var sample = FleetSample(time: Timestamp(milliseconds: 0))
    sample.lanes[0].waiting = [.concurrency: 12]
    sample.lanes[3].waiting = [.moneyReserved: 9812]
    let scale = Scale(of: sample)
    #expect(scale.full == 10_000)
    #expect(scale.width(of: 0) == 0 && scale.width(of: 12) > 3 && scale.width(of: 9812) > 99)
    #expect(scale.width(of: 1_000_000) == 100)
  }
}
