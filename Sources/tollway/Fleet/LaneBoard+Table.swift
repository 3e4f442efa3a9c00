import Contracts
import Operations

// The board on a terminal, and as a line of a log.

extension LaneBoard {
  var table: Table {
    var table = Table([
      "LANE", .number("READY"), .number("RUNNABLE"), "WAITING", .number("RUNNING"), .number("CONSUMERS"),
    ])
    for row in lanes {
      table.add(
        "\(row.lane)", .init(row.ready), .init(row.runnable), .init(row.waitingText), .init(row.running),
        .init("\(row.consumers)", row.consumers == 0 ? .yellow : nil))
    }
    return table
  }

  /// The verdict as it stands above the table, with an empty line behind it; nothing where none was asked for.
  func verdictLines(_ style: Style) -> [String] {
    guard let verdict else { return [] }
    let begin = verdict.commands.isEmpty ? [verdict.act].compactMap(\.self) : verdict.commands
    return [style.paint(verdict.headline.printable, verdict.colour)]
      + verdict.because.map { "  \($0.printable)" } + begin.map { "→ \($0.printable)" } + [""]
  }

  var summary: String {
    "workers \(workers), slots \(slots), dead letters \(dead), blocked \(blocked)"
  }

  /// One line for a log: `time critical ready=0 ...; high ...`.
  var line: String {
    let lanes = lanes.map {
      "\($0.lane) ready=\($0.ready) runnable=\($0.runnable) waiting=\($0.waitingText) running=\($0.running)"
    }
    return (["\(time)  \(lanes.joined(separator: "; "))"] + notices).joined(separator: "; ")
  }
}

extension LaneBoard.Row {
  /// `0`, or `12 concurrency`.
  fileprivate var waitingText: String {
    let reasons = waiting.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return reasons.isEmpty ? "0" : reasons.joined(separator: ", ")
  }
}

extension Verdict {
  fileprivate var colour: Style.Colour? {
    switch state {
    case .flowing: whose == .ours ? .yellow : .green
    case .idle: whose == .ours ? .yellow : nil
    case .slow, .unknown: .yellow
    case .stopped: .red
    }
  }
}
