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

  @Test func `what lacks a slot is shown as ours, and nothing waits only where nothing does`() {
    var sample = FleetSample(time: Timestamp(milliseconds: 0))
    sample.lanes[0].waiting = [.providerResting: 14]
    sample.lanes[1].waiting = [.concurrency: 10]
    (sample.lanes[2].runnable, sample.lanes[2].oldestRunnable) = (3, .seconds(2))
    let cells = Console.cells(of: sample, Verdict(.flowing, "Work flows."))
    func cell(_ lane: LaneSample, _ name: String) -> String {
      cells.first { $0.id == "\(lane.lane.rawValue)-\(name)" }.map { "\($0.text) \($0.state)" } ?? ""
    }
    #expect(
      sample.lanes.map { cell($0, "oldest") } == [
        "none lacks a slot ", "none lacks a slot ", "2 s ", "nothing waits calm",
      ])
    #expect(cell(sample.lanes[2], "slot") == "3 warn" && cell(sample.lanes[0], "slot") == "0 none")
    let html = Console.lane(
      sample.lanes[2].lane, sample, Verdict(.flowing, ""), history: FleetTrend(), Sample().chrome)
    #expect(html.contains("3 jobs wait for nothing but a slot.") && html.contains("more than 1 min is slow"))
  }

  @Test func `a provider that nobody called is not said to serve`() throws {
    var sample = try Sample().fleet
    for index in sample.providers.indices {
      sample.providers[index].callsPerMinute = sample.providers[index].row.provider == "echo" ? 3 : 0
    }
    let cells = Console.cells(of: sample, Sample().verdict)
    let states = Dictionary(uniqueKeysWithValues: cells.map { ($0.id, "\($0.text), \($0.state)") })
    #expect(states["provider-echo"] == "echo serves, calm" && states["provider-piper"] == "piper no calls, ")
    #expect(states["provider-elevenlabs"] == "elevenlabs 1 model rests, warn")
    let page = Console.providers(try Sample().board, samples: sample.providers, Sample().chrome)
    #expect(page.contains(" providers rest or are held, 1 model rests; 1 was called in the last minute</h1>"))
    #expect(page.contains("Hold anthropic</button>") && page.contains("Release openai</button>"))
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
