import Console
import Contracts
import Operations

/// The fleet as pages show it: a sample, what came before it, and what is to be said of it.
struct FleetSight: Sendable {
  var sample: FleetSample
  var trend: FleetTrend
  var verdict: Verdict

  init(_ sample: FleetSample, _ trend: FleetTrend) {
    self.sample = sample
    self.trend = trend
    verdict = Verdict(of: sample, trend: trend)
  }
}

/// The cells of one sample, as those who watch are told of them.
struct FleetFrame: Watchable {
  /// Of the sample.
  var number: Int
  var cells: [ConsoleCell]

  /// There is one fleet, and it is never over.
  var subject: Bool { true }
  var isOver: Bool { false }
  var lastEventID: String { "" }

  func isNews(after before: FleetFrame) -> Bool { cells != before.cells }

  /// `[[id,text,state],...]` of the cells that changed, of all where there was no frame before; nothing where none did.
  func events(after before: FleetFrame?) -> [UInt8] {
    let shown = Set(before?.cells ?? [])
    let cells = cells.filter { !shown.contains($0) }
    guard !cells.isEmpty else { return [] }
    var json = JSONWriter(capacity: cells.count * 48 + 16)
    json.literal("[")
    for (index, cell) in cells.enumerated() {
      json.literal(index == 0 ? "[" : ",[")
      json.string(cell.id)
      json.literal(",")
      json.string(cell.text)
      json.literal(",")
      json.string(cell.state)
      json.literal("]")
    }
    json.literal("]")
    return ServerSentEvent.encoded("cells", id: "\(number)", json.bytes)
  }
}
