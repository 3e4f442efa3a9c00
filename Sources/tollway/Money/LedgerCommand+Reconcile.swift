import Admission
import ArgumentParser
import Billing
import Contracts
import Operations
import Redis
import Work

extension LedgerCommand {
  /// `tollway ledger reconcile`: do the books agree?
  struct Reconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare the ledger with its own sums, with Redis, and with what providers stated.",
      discussion: """
        Three comparisons. The sums that the ledger keeps (users, tiers, providers, fleet) against its rows. What Redis \
        judges jobs by (base and open of the present and the last month) against the ledger. And day by day, UTC, what \
        each provider stated against what the price book says of the same attempts, with what the rest of the day's \
        amount consists of; --statement adds the totals of an invoice to that. Each difference has a line that explains \
        it. Reads only. Ends with 1 where something differs that does not pass by itself.
        """)

    @OptionGroup var settings: Settings
    @Option(help: "A day like 2026-11-01; it counts. Default: the first of the present month.") var from: String?
    @Option(help: "A day like 2026-12-01; it does not count. Default: now.") var to: String?
    @Option(help: "A CSV file with the columns provider,day,usd: what providers charged.") var statement: String?
    @Flag(help: "Leave Redis out.") var withoutRedis = false
    @Option(help: "table or json.") var format = Format.table

    func validate() throws { try LedgerCommand.checkTimes(from: from, to: to) }

    func run() async throws {
      let ledger = try Ledger.openExisting(settings)
      let rules = try RuleBook(policyPath: try settings.policyPath(), pricesPath: try settings.pricesPath())
      let reconciliation = Reconciliation(of: ledger, with: rules.planner.prices)
      let now = Wires.now()
      let begin = from.flatMap { Timestamp(dayOrTime: $0) } ?? Month(of: now).start
      let end = to.flatMap { Timestamp(dayOrTime: $0) } ?? now
      var sheet = ReconciliationSheet(
        from: begin, to: end, days: try await reconciliation.days(from: begin, to: end),
        mismatches: try await reconciliation.mismatches(),
        charges: try statement.map { try ProviderStatement.read($0) } ?? [])
      if !withoutRedis {
        let wires = try Wires.forCommand("reconcile", settings)
        sheet.redis = try await RedisComparison(ledger: ledger, desk: wires.desk).differences(at: now)
        await wires.redis.close()
      }
      switch format {
      case .json: try Output.json(sheet)
      case .table: sheet.print()
      }
      guard sheet.isClean else {
        throw CommandFailure(
          .failed, "the books do not agree", "the lines above say what differs and why; tollway doctor checks the rest")
      }
    }
  }
}
