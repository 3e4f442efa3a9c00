import ArgumentParser
import Billing
import Contracts
import Observability
import Operations

/// `tollway ledger`: what was booked.
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Report, close, correct and check what was booked.",
    subcommands: [Init.self, Report.self, Close.self, Months.self, Reprice.self, Reconcile.self, Quarantine.self])

  static func checkTimes(from: String?, to: String?) throws {
    for (name, text) in [("--from", from), ("--to", to)] {
      if let text, Timestamp(dayOrTime: text) == nil {
        throw ValidationError("\(name): a day like 2026-11-21, or an RFC 3339 time")
      }
    }
  }

  /// `tollway ledger init`: beside `tollway billing` the only one that changes tables.
  struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the ledger's tables, or bring those of an older version up to date.",
      discussion: """
        tollway billing does the same when it starts. Commands that read refuse a ledger that is not there; those that \
        lay something down make it and say so. Harmless to repeat.
        """)

    @OptionGroup var settings: Settings

    func run() async throws {
      LogBootstrap.install(try settings.logging(default: Settings.quiet))
      let ledger = try Ledger(url: settings.ledger)
      try await ledger.reach()
      try ledger.close()
      Output.line("the ledger is there: \(try Ledger.path(ofURL: settings.ledger) ?? "in PostgreSQL")")
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

extension Ledger {
  /// For a command that reads. In PostgreSQL the tables are looked for by the first call.
  static func openExisting(_ settings: Settings) throws -> Ledger {
    LogBootstrap.install(try settings.logging(default: Settings.quiet))
    return try Ledger(url: settings.ledger, opening: .existing)
  }

  /// For a command that lays something down, which must not wait for the first billing process: where no ledger is, it
  /// makes one and says so, because the address may have been mistyped.
  static func openOrMake(_ settings: Settings) async throws -> Ledger {
    do {
      let ledger = try openExisting(settings)
      try await ledger.reach()
      return ledger
    } catch let error as LedgerError where error.code == .absent {
      let ledger = try Ledger(url: settings.ledger)
      try await ledger.reach()
      StandardError.line("tollway: \(error.message), so it was made; tollway billing has to be given the same address")
      return ledger
    }
  }
}
