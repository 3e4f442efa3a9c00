import ArgumentParser
import Billing
import Contracts
import Foundation

/// `tollway ledger`: what was booked.
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Report, close, correct and check what was booked.",
    subcommands: [Report.self, Close.self, Months.self, Reprice.self, Reconcile.self])

  static func checkTimes(from: String?, to: String?) throws {
    for (name, text) in [("--from", from), ("--to", to)] {
      if let text, Timestamp(dayOrTime: text) == nil {
        throw ValidationError("\(name): a day like 2026-11-21, or an RFC 3339 time")
      }
    }
  }

  struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Exact sums by user, tier, provider, model, task or day.",
      discussion: """
        --from counts, --to does not, by the time of the attempt; a day stands for its midnight, UTC. USD is the sum of \
        what was booked at first and of CORRECTIONS.
        """)

    enum Layout: String, CaseIterable, ExpressibleByArgument { case table, json, csv }

    @OptionGroup var settings: Settings
    @Option(help: "user, tier, provider, model, task or day.") var by = LedgerQuery.Grouping.user
    @Option(help: "A day like 2026-11-01, or an RFC 3339 time.") var from: String?
    @Option(help: "A day like 2026-12-01, or an RFC 3339 time.") var to: String?
    @Option(help: "Only the statement of this month, like 2026-11.") var month: String?
    @Option(help: "table, json or csv.") var format = Layout.table

    func validate() throws {
      try LedgerCommand.checkTimes(from: from, to: to)
      if let month, Timestamp("\(month)-01T00:00:00Z") == nil { throw ValidationError("--month: a month like 2026-11") }
    }

    func run() async throws {
      let ledger = try Ledger.openExisting(settings)
      let report = try await ledger.report(
        LedgerQuery(
          by: by, from: from.flatMap { Timestamp(dayOrTime: $0) }, to: to.flatMap { Timestamp(dayOrTime: $0) },
          billingPeriod: month))
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
  static func openExisting(_ settings: Settings) throws -> Ledger {
    if let path = try Ledger.path(ofURL: settings.ledger), !FileManager.default.fileExists(atPath: path) {
      throw CommandFailure(
        .failed, "there is no ledger at \(path)", "set TOLLWAY_LEDGER_URL to the one that tollway billing writes")
    }
    return try open(settings)
  }
}
