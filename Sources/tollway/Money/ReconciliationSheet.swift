import Billing
import Contracts
import Operations

/// What was compared, and each difference with its explanation, for people and programs.
struct ReconciliationSheet: Encodable {
  struct Day: Encodable {
    let day, provider: String
    let attempts: Int
    let ledgerUsd, statedUsd, byPriceBookUsd, estimatedUsd, openEstimatesUsd, correctionsUsd, driftUsd: String
    /// By the invoice, if one was given.
    @OrNull var chargedUsd: String? = nil
    var why: [String] = []
  }

  struct Sum: Encodable {
    let scope, month, keptUsd, rowsUsd, why: String
  }

  /// A line of an invoice about a day that was not asked for.
  struct Outside: Encodable {
    let day, provider, chargedUsd, why: String
  }

  let from, to: String
  private(set) var days: [Day]
  let sums: [Sum]
  let outside: [Outside]
  var redis: [RedisComparison.Difference] = []
  /// Days on which an invoice says something that nothing here explains.
  private(set) var unexplained = 0

  init(
    from: Timestamp, to: Timestamp, days: [Reconciliation.Day], mismatches: [Reconciliation.Mismatch],
    charges: [ProviderStatement]
  ) {
    self.from = from.description
    self.to = to.description
    sums = mismatches.map {
      Sum(
        scope: $0.scope, month: $0.period, keptUsd: $0.kept.description, rowsUsd: $0.rows.description,
        why: "a kept sum differs from its rows: the rows count; somebody else wrote to the database")
    }
    let isAsked = { (charge: ProviderStatement) in
      Timestamp(dayOrTime: charge.day).map { $0 >= from && $0 < to } ?? false
    }
    outside = charges.filter { !isAsked($0) }.map {
      Outside(
        day: $0.day, provider: $0.provider, chargedUsd: $0.amount.description,
        why: "not compared: the day does not begin between --from and --to")
    }
    let charges = charges.filter(isAsked)
    var found = days
    for charge in charges where !found.contains(where: { $0.day == charge.day && $0.provider == charge.provider }) {
      found.append(Reconciliation.Day(day: charge.day, provider: charge.provider))
    }
    self.days = []
    for day in found.sorted(by: { ($0.day, $0.provider) < ($1.day, $1.provider) }) {
      let charged = charges.filter { $0.day == day.day && $0.provider == day.provider }
      let total = charged.isEmpty ? nil : charged.reduce(Money.zero) { $0 + $1.amount }
      let why = Self.explanations(of: day, charged: total)
      if why.isOpen { unexplained += 1 }
      self.days.append(
        Day(
          day: day.day, provider: day.provider, attempts: day.attempts, ledgerUsd: day.amount.description,
          statedUsd: day.stated.description, byPriceBookUsd: day.byPriceBook.description,
          estimatedUsd: day.estimated.description, openEstimatesUsd: day.openEstimates.description,
          correctionsUsd: day.corrections.description,
          driftUsd: day.drift.description, chargedUsd: total?.description, why: why.lines))
    }
  }

  var isClean: Bool { sums.isEmpty && unexplained == 0 && redis.allSatisfy(\.passes) }

  private static func explanations(
    of day: Reconciliation.Day, charged: Money?
  ) -> (lines: [String], isOpen: Bool) {
    var lines: [String] = []
    if day.drift != .zero {
      lines.append(
        "stated \(signed(day.drift)) USD beside the price book: its prices are not what is charged; tollway prices check"
      )
    }
    if day.statedUnpriced != .zero { lines.append("\(day.statedUnpriced) USD were stated for models without a price") }
    if day.openEstimates != .zero {
      lines.append(
        "\(day.openEstimates) USD are estimates: attempts that were never heard of again, or parts nobody measured")
    }
    if day.estimated != .zero, day.openEstimates != day.estimated {
      lines.append("\(day.estimated) USD were estimates at first; what was learned of them since came as corrections")
    }
    if day.corrections != .zero { lines.append("\(signed(day.corrections)) USD came as corrections") }
    guard let charged, charged != day.amount else { return (lines, false) }
    let difference = charged - day.amount
    lines.append("the invoice says \(charged) USD, \(signed(difference)) beside the ledger")
    // Attempts nobody heard of again may have cost anything up to their estimate.
    let isEstimated = difference < .zero && .zero - difference <= day.openEstimates
    if isEstimated {
      lines.append("within what was estimated: those attempts were not charged in full")
      return (lines, false)
    }
    lines.append("not explained: calls beside the fleet, another price, or another time zone of the invoice")
    return (lines, true)
  }

  private static func signed(_ amount: Money) -> String { amount < .zero ? "\(amount)" : "+\(amount)" }

  func print() {
    var table = Table([
      "DAY", "PROVIDER", .number("ATTEMPTS"), .number("LEDGER"), .number("STATED"), .number("BY PRICE BOOK"),
      .number("ESTIMATED"), .number("CORRECTIONS"), .number("DRIFT"), .number("CHARGED"),
    ])
    for day in days {
      let amounts = [
        day.ledgerUsd, day.statedUsd, day.byPriceBookUsd, day.estimatedUsd, day.correctionsUsd, day.driftUsd,
      ].map { Table.Cell(Money($0)?.inTable ?? $0) }
      table.rows.append(
        [.init(day.day), .init(day.provider), .init(day.attempts)] + amounts
          + [.init(day.chargedUsd.flatMap { Money($0) }?.inTable)])
    }
    table.print()
    for day in days {
      for line in day.why { Output.line("\(day.day) \(day.provider.printable): \(line)") }
    }
    for line in outside {
      Output.line("\(line.day) \(line.provider.printable): the invoice says \(line.chargedUsd) USD, \(line.why)")
    }
    for sum in sums {
      Output.line("\(sum.month) \(sum.scope.printable): kept \(sum.keptUsd), rows \(sum.rowsUsd): \(sum.why)")
    }
    for difference in redis {
      Output.line(
        "\(difference.month) user:\(difference.user.printable): ledger \(difference.ledgerUsd), "
          + "Redis \(difference.redisUsd), open \(difference.openUsd): \(difference.why)")
    }
    if sums.isEmpty { StandardError.line("the ledger's sums equal its rows") }
    if redis.isEmpty { StandardError.line("no difference between Redis and the ledger") }
  }
}
