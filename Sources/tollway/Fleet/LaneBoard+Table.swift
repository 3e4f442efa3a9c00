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
