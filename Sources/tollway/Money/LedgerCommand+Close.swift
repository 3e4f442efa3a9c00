import ArgumentParser
import Billing
import Contracts

extension LedgerCommand {
  /// `tollway ledger close`: a month's statement is given out.
  struct Close: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Close a month that is over.",
      discussion: """
        Its statement (tollway ledger report --month) never changes from then on: what comes for it later, late events \
        and corrections, stands in the statement of the first month that is open, with the month in which it was \
        incurred. Months are closed in their order, and once.
        """)

    @OptionGroup var settings: Settings
    @Argument(help: "The month, like 2026-10.") var month: String
    @OptionGroup var note: ChangeNote
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let (closed, isNew) = try await ClosedMonths(in: try Ledger.openExisting(settings))
        .close(month, by: note.author, reason: note.reason)
      if !isNew { StandardError.line("\(month) was closed before, by \(closed.closedBy.printable)") }
      try ClosedMonthSheet([closed]).show(format)
    }
  }

  /// `tollway ledger months`: what is closed.
  struct Months: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the months that were closed.")

    @OptionGroup var settings: Settings
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      try ClosedMonthSheet(try await ClosedMonths(in: try Ledger.openExisting(settings)).list()).show(format)
    }
  }
}

private struct ClosedMonthSheet: Encodable {
  struct Row: Encodable {
    let month, closedAt, closedBy, reason, costUsd: String
    let rows: Int
  }

  let months: [Row]

  init(_ months: [ClosedMonth]) {
    self.months = months.map {
      Row(
        month: $0.period, closedAt: $0.closedAt.description, closedBy: $0.closedBy, reason: $0.reason,
        costUsd: $0.amount.description, rows: $0.rows)
    }
  }

  func show(_ format: Format) throws {
    guard format == .table else { return try Output.json(self) }
    var table = Table(["MONTH", "CLOSED AT", "BY", "REASON", .number("ROWS"), .number("USD")])
    for row in months {
      table.add(
        .init(row.month), .init(row.closedAt), .init(row.closedBy), .init(row.reason), .init(row.rows),
        .init(row.costUsd))
    }
    table.print()
  }
}
