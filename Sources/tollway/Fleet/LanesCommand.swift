import AMQP
import ArgumentParser
import Foundation
import Lanes
import Operations

/// `tollway lanes`: what waits, what runs.
struct LanesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lanes", abstract: "Show each lane: ready, runnable, waiting by reason, running, consumers.",
    discussion: """
      ready: in the lane's queue. runnable: those, what workers hold in front of their slots, and waiting jobs that \
      could start now. waiting: held back by the limit that is named; tollway explain JOB says more. --watch draws \
      every second on a terminal and appends a line in a pipe.
      """)

  @OptionGroup var settings: Settings
  @Flag(help: "Show again every second until interrupted.") var watch = false
  @Option(help: "table or json.") var format = Format.table

  func run() async throws {
    let wires = try Wires.forCommand("lanes", settings)
    try await wires.broker.withAdmin { admin in
      try show(try await LaneBoard.read(wires.desk, wires.topology, through: admin))
      while watch {
        try await Task.sleep(for: .seconds(1))
        do {
          try show(try await LaneBoard.read(wires.desk, wires.topology, through: admin))
        } catch {
          // An outage is to be watched too; it was reachable when the watch began.
          guard let failure = CommandFailure(error) else { throw error }
          failure.print()
        }
      }
    }
    await wires.close()
  }

  private func show(_ board: LaneBoard) throws {
    switch (format, watch) {
    case (.json, false): try Output.json(board)
    case (.json, true): try Output.jsonLine(board)
    case (.table, true) where isatty(STDOUT_FILENO) == 1:
      Output.line("\u{1B}[H\u{1B}[2J\(board.time)\n")
      printTable(board)
    case (.table, true): Output.line(board.line)
    case (.table, false): printTable(board)
    }
    Output.flush()
  }

  private func printTable(_ board: LaneBoard) {
    board.table.print()
    Output.line("\n\(board.summary)")
    for notice in board.notices { Output.line(Style.output.paint(notice, .yellow)) }
  }
}
