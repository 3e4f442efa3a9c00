import Admission
import ArgumentParser
import Billing
import Contracts
import Foundation
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

/// What Redis has of the months, against the ledger.
struct RedisComparison {
  struct Difference: Encodable {
    let user, month, ledgerUsd, redisUsd, openUsd, why: String
    /// Whether it goes by itself.
    let passes: Bool
  }

  let ledger: Ledger
  let desk: AdmissionDesk

  private static let page = 500

  /// Of the present and the last month.
  func differences(at now: Timestamp) async throws -> [Difference] {
    let month = Month(of: now)
    var found: [Difference] = []
    var last: UserMonth?
    while true {
      let page = try await ledger.months(of: [month.before.period, month.period], after: last, limit: Self.page)
      guard !page.isEmpty else { break }
      let standings = try await desk.standings(of: page.map { ($0.userID, $0.chargePeriod) })
      for (month, standing) in zip(page, standings) {
        if let difference = Self.difference(month, standing) { found.append(difference) }
      }
      last = page.last
      if page.count < Self.page { break }
    }
    return found + (try await stuck())
  }

  private static func difference(
    _ month: UserMonth, _ standing: (row: Int64, base: Spending, open: Spending)
  ) -> Difference? {
    let expected = Spending(month)
    let why: String
    let passes: Bool
    if standing.row == 0 {
      (why, passes) = ("Redis does not know the month: nothing of the user was judged since it lost its memory", true)
    } else if standing.row < month.lastRow {
      (why, passes) = ("Redis is behind by rows \(standing.row) to \(month.lastRow): billing has yet to tell it", true)
    } else if standing.row > month.lastRow {
      (why, passes) = (
        "Redis knows a later row than this ledger has: it belongs to another ledger, or this is a copy", false
      )
    } else if standing.base != expected {
      (why, passes) = (
        "the same row, other sums: somebody else wrote there. The next event of the user puts it right", false
      )
    } else {
      return nil
    }
    return Difference(
      user: month.userID, month: month.chargePeriod, ledgerUsd: month.amount.description,
      redisUsd: Money(nanoUSD: standing.base.nanoUSD).description,
      openUsd: Money(nanoUSD: standing.open.nanoUSD).description, why: why, passes: passes)
  }

  /// What is held open for events that are booked.
  private func stuck() async throws -> [Difference] {
    var found: [Difference] = []
    try await desk.settledOpen { ids in
      for booked in try await ledger.booked(ids) {
        found.append(
          Difference(
            user: booked.month.userID, month: booked.month.chargePeriod, ledgerUsd: booked.month.amount.description,
            redisUsd: "-", openUsd: "-",
            why:
              "\(booked.eventIDs.count) events are open though they are booked: billing gives them up within a minute",
            passes: true))
      }
    }
    return found
  }
}

/// What a provider charged by its own invoice or usage export: `provider,day,usd`, one line each.
struct ProviderStatement {
  let provider, day: String
  let amount: Money

  static func read(_ path: String) throws(CommandFailure) -> [ProviderStatement] {
    let text: String
    do {
      text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    } catch {
      throw CommandFailure(.failed, "\(path) cannot be read", "a CSV file with the columns provider,day,usd is needed")
    }
    var lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    if lines.first?.first?.lowercased() == "provider" { lines.removeFirst() }
    var found: [ProviderStatement] = []
    for (number, cells) in lines.enumerated() {
      guard cells.count == 3, Timestamp(dayOrTime: String(cells[1])) != nil, cells[1].utf8.count == 10,
        let amount = Money(cells[2])
      else {
        throw CommandFailure(
          .usage, "\(path): line \(number + 1) is not provider,day,usd", "write lines like openai,2026-11-21,12.34")
      }
      found.append(ProviderStatement(provider: String(cells[0]), day: String(cells[1]), amount: amount))
    }
    return found
  }
}
