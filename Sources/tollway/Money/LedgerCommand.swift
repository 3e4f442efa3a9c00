import ArgumentParser
import Billing
import Contracts
import Foundation

/// `tollway ledger`: what was booked.
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Report what was booked.", subcommands: [Report.self])

  struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Exact sums by user, tier, provider, model, task or day.",
      discussion: "--from counts, --to does not; a day stands for its midnight, UTC.")

    enum Layout: String, CaseIterable, ExpressibleByArgument { case table, json, csv }

    @OptionGroup var settings: Settings
    @Option(help: "user, tier, provider, model, task or day.") var by = LedgerQuery.Grouping.user
    @Option(help: "A day like 2026-11-01, or an RFC 3339 time.") var from: String?
    @Option(help: "A day like 2026-12-01, or an RFC 3339 time.") var to: String?
    @Option(help: "table, json or csv.") var format = Layout.table

    func validate() throws {
      for (name, text) in [("--from", from), ("--to", to)] {
        if let text, Timestamp(dayOrTime: text) == nil {
          throw ValidationError("\(name): a day like 2026-11-21, or an RFC 3339 time")
        }
      }
    }

    func run() async throws {
      let ledger = try Ledger.openExisting(settings)
      let report = try await ledger.report(
        LedgerQuery(
          by: by, from: from.flatMap { Timestamp(dayOrTime: $0) }, to: to.flatMap { Timestamp(dayOrTime: $0) }))
      switch format {
      case .table: LedgerSheet(report).table.print()
      case .csv: for line in LedgerSheet(report).csv { Output.line(line) }
      case .json: try Output.json(LedgerSheet(report))
      }
    }
  }
}

extension LedgerQuery.Grouping: ExpressibleByArgument {}

extension Timestamp {
  /// Reads a day, meaning its first instant in UTC, or an RFC 3339 time.
  init?(dayOrTime text: String) { self.init(text.utf8.count == 10 ? text + "T00:00:00Z" : text) }
}

extension Ledger {
  /// For those who only read: a path that was mistyped shall not become an empty ledger.
  static func openExisting(_ settings: Settings) throws -> SQLiteLedger {
    let path = try SQLiteLedger.path(ofURL: settings.ledger)
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure(
        .failed, "there is no ledger at \(path)", "set TOLLWAY_LEDGER_URL to the one that tollway billing writes")
    }
    return try open(settings)
  }
}
