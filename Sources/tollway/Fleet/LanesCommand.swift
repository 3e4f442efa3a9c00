import AMQP
import Admission
import ArgumentParser
import Catalog
import Contracts
import Foundation
import Lanes
import Operations

/// `tollway lanes`: whether work flows, what waits, what runs.
struct LanesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lanes",
    abstract: "Say whether work flows, and show each lane: ready, runnable, waiting by reason, running, consumers.",
    discussion: """
      On top stands what is the matter, why, and what to do. ready: in the lane's queue. runnable: those, what workers hold in front of their slots, and waiting jobs that \
      could start now. waiting: held back by the limit that is named; tollway explain JOB says more. --watch draws \
      every second on a terminal and appends a line in a pipe.
      """)

  @OptionGroup var settings: Settings
  @Flag(help: "Show again every second until interrupted.") var watch = false
  @Option(help: "table or json.") var format = Format.table

  func run() async throws {
    let wires = try Wires.forCommand("lanes", settings)
    let policy = try knownPolicy()
    var maker = FleetSampleMaker(at: Wires.now())
    try await wires.broker.withAdmin { admin in
      try show(try await read(&maker, policy, wires, admin))
      while watch {
        try await Task.sleep(for: .seconds(1))
        do {
          try show(try await read(&maker, policy, wires, admin))
        } catch {
          // An outage is to be watched too; it was reachable when the watch began.
          guard let failure = CommandFailure(error) else { throw error }
          failure.print()
        }
      }
    }
    await wires.close()
  }

  /// For what was promised. A file with faults is no reason to show nothing.
  private func knownPolicy() throws(CommandFailure) -> Policy? {
    let path = try settings.policyPath()
    do {
      return try RuleBook.policy(at: path)
    } catch {
      error.print()
      return nil
    }
  }

  private func read(
    _ maker: inout FleetSampleMaker, _ policy: Policy?, _ wires: Wires, _ admin: AMQPAdmin
  ) async throws -> LaneBoard {
    let figures = try await wires.desk.fleetFigures()
    let lines = try await wires.desk.longestLines(20)
    maker.saw(figures, freeze: try await wires.desk.freezeID(), under: policy, at: .now)
    maker.saw(lines.lines, at: lines.at) { _ in nil }
    maker.saw(try await FleetSampleMaker.Queues.read(wires.topology, through: admin), at: figures.at, .now)
    let sample = maker.sample(at: .now)
    return LaneBoard(sample, Verdict(of: sample))
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
    for line in board.verdictLines(.output) { Output.line(line) }
    board.table.print()
    Output.line("\n\(board.summary)")
    for notice in board.notices { Output.line(Style.output.paint(notice, .yellow)) }
  }
}
