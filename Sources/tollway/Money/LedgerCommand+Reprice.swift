import ArgumentParser
import Billing
import Contracts
import Lanes
import Operations
import Work

extension LedgerCommand {
  /// `tollway ledger reprice`: corrections for attempts that the present price book prices otherwise.
  struct Reprice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Price booked attempts again and publish corrections.",
      discussion: """
        After a price was put right in the price book: each attempt since --from is priced with what the book says of \
        its own time. Where the sum of its rows differs, a correction with the signed difference goes to the exchange \
        costs; tollway billing books it. Costs that a provider stated stay. Rows are never changed. Harmless to repeat.
        """)

    @OptionGroup var settings: Settings
    @Option(help: "A day like 2026-11-01, or an RFC 3339 time; it counts.") var from: String
    @Option(help: "A day like 2026-12-01, or an RFC 3339 time; it does not count.") var to: String?
    @Option(help: "Only attempts at this provider.") var provider: String?
    @Option(help: "Only attempts with this model.") var model: String?
    @Flag(help: "Only show what would be corrected.") var dryRun = false
    @Option(help: "table or json.") var format = Format.table

    func validate() throws { try LedgerCommand.checkTimes(from: from, to: to) }

    func run() async throws {
      guard let from = Timestamp(dayOrTime: from) else { throw ValidationError("--from: not a time") }
      let rules = try RuleBook(policyPath: try settings.policyPath(), pricesPath: try settings.pricesPath())
      let ledger = try Ledger.openExisting(settings)
      let repricing = Repricing(of: ledger, with: rules.planner.prices)
      let choice = Repricing.Choice(
        from: from, to: to.flatMap { Timestamp(dayOrTime: $0) }, provider: provider, model: model)
      var sheet = RepricingSheet(isPublished: !dryRun)
      if dryRun {
        try await walk(repricing, choice, &sheet) { _ in }
      } else {
        let wires = try Wires.forCommand("reprice", settings)
        let office = wires.broker.postOffice()
        try await wires.broker.withCourier { courier in
          try await walk(repricing, choice, &sheet) { try await courier.send($0.map { office.cost($0) }) }
        }
      }
      switch format {
      case .json: try Output.json(sheet)
      case .table: sheet.print()
      }
    }

    private func walk(
      _ repricing: Repricing, _ choice: Repricing.Choice, _ sheet: inout RepricingSheet,
      publish: ([CostEvent]) async throws -> Void
    ) async throws {
      var next: Int64? = 0
      while let row = next {
        let page = try await repricing.page(choice, after: row)
        if !page.corrections.isEmpty { try await publish(page.corrections) }
        sheet.add(page)
        next = page.next
      }
    }
  }
}

/// What repricing changed, by model and month.
struct RepricingSheet: Encodable {
  struct Row: Encodable {
    let provider, model, month: String
    var corrections = 0
    var differenceUsd = Money.zero.description
  }

  private struct Key: Hashable {
    let provider, model, month: String
  }

  let isPublished: Bool
  private(set) var attempts = 0
  private(set) var statedByProvider = 0
  private(set) var withoutPrice = 0
  private(set) var corrections = 0
  private(set) var differenceUsd = Money.zero.description
  private(set) var rows: [Row] = []

  init(isPublished: Bool) { self.isPublished = isPublished }

  mutating func add(_ page: Repricing.Page) {
    attempts += page.looked
    statedByProvider += page.stated
    withoutPrice += page.unpriced
    corrections += page.corrections.count
    for event in page.corrections {
      differenceUsd = Self.sum(differenceUsd, event.cost.amount)
      let place = rows.firstIndex {
        $0.provider == event.provider && $0.model == event.model && $0.month == event.chargePeriod
      }
      let index = place ?? rows.count
      if place == nil {
        rows.append(Row(provider: event.provider, model: event.model, month: event.chargePeriod))
      }
      rows[index].corrections += 1
      rows[index].differenceUsd = Self.sum(rows[index].differenceUsd, event.cost.amount)
    }
  }

  private static func sum(_ text: String, _ amount: Money) -> String {
    ((Money(text) ?? .zero) + amount).description
  }

  func print() {
    var table = Table(["PROVIDER", "MODEL", "MONTH", .number("CORRECTIONS"), .number("USD")])
    for row in rows {
      table.add(
        .init(row.provider), .init(row.model), .init(row.month), .init(row.corrections), .init(row.differenceUsd))
    }
    table.add(
      .init("total", .bold), "", "", .init("\(corrections)", .bold), .init(differenceUsd, .bold))
    table.print()
    StandardError.line(
      "\(attempts) attempts looked at; \(statedByProvider) stated by their provider and \(withoutPrice) without a price "
        + "were left as they are")
    if corrections > 0 {
      StandardError.line(
        isPublished
          ? "published; tollway billing books them, tollway ledger report shows them under CORRECTIONS"
          : "nothing was published; leave out --dry-run to correct")
    }
  }
}
