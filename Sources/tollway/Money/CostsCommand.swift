import ArgumentParser
import Contracts
import Lanes

/// `tollway costs`: cost events as they come.
struct CostsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "costs", abstract: "Follow the cost events.", subcommands: [Tail.self])

  struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print each cost event from now on, until interrupted.",
      discussion: "Takes nothing away from the ledger. Who reads too slowly misses the oldest events.")

    /// Events that may wait for a terminal that does not keep up.
    private static let backlog = 10_000

    @OptionGroup var settings: Settings
    @Option(help: "table, or json: one event a line.") var format = Format.table

    func run() async throws {
      let wires = try Wires.forCommand("costs", settings, logging: "notice")
      try await wires.broker.withListener(to: wires.topology.costs, keepingAtMost: Self.backlog) { listener in
        await withDiscardingTaskGroup { group in
          group.addTask { await Signals.drain { listener.end() } }
          if format == .table { Output.line(CostLine.titles) }
          Output.flush()
          while true {
            let heard = await listener.next()
            if heard.isEmpty { break }
            for message in heard { print(message) }
            Output.flush()
          }
          group.cancelAll()
        }
        if let fault = listener.fault { throw fault }
      }
    }

    private func print(_ message: Listener.Heard) {
      do throws(CostEvent.Fault) {
        let event = try CostEvent(decoding: message.body)
        Output.line(format == .json ? String(decoding: message.body, as: UTF8.self) : CostLine.text(event))
      } catch {
        StandardError.line("passed over a message that is no cost event: \(error.description.printable)")
      }
    }
  }
}

/// A cost event on one line, in columns of fixed width because nobody knows what comes.
enum CostLine {
  private static let widths = [24, 12, 10, 9, 10, 24, 7]

  static var titles: String { line(["TIME", "USER", "TIER", "TASK", "PROVIDER", "MODEL", "OUTCOME", "USD"]) }

  static func text(_ event: CostEvent) -> String {
    line([
      event.time.description, event.userID, event.tier, event.taskType.rawValue, event.provider, event.model,
      event.outcome.rawValue, event.cost.amount.inTable,
    ])
  }

  private static func line(_ cells: [String]) -> String {
    cells.enumerated().map { index, cell in
      let text = cell.printable
      guard index < widths.count else { return text }
      return text + String(repeating: " ", count: max(0, widths[index] - text.count))
    }.joined(separator: "  ")
  }
}
