package import Catalog
package import Contracts

/// What a changed price book means for attempts that were booked already. Each attempt whose cost came from the book is
/// priced again, with the price that holds at its own time; where the sum of its rows says something else, a correction
/// brings the difference. What a provider stated stays as it was stated. Reads only.
package struct Repricing: Sendable {
  package struct Choice: Sendable {
    /// By the time of the attempt: `from` counts, `to` does not.
    package var from: Timestamp
    package var to: Timestamp?
    package var provider: String?
    package var model: String?

    package init(from: Timestamp, to: Timestamp? = nil, provider: String? = nil, model: String? = nil) {
      self.from = from
      self.to = to
      self.provider = provider
      self.model = model
    }
  }

  /// Some attempts, in the order of their rows.
  package struct Page: Sendable {
    package var corrections: [CostEvent] = []
    /// Attempts looked at.
    package var looked = 0
    /// Of those, stated by their provider.
    package var stated = 0
    /// Of those, without a price in the book: left as they are.
    package var unpriced = 0
    /// Where the next page begins; nil behind the last one.
    package var next: Int64?
  }

  private let ledger: Ledger
  private let prices: PriceBook

  /// The parts of a call that served many jobs may each be a nano-dollar beside what they would cost alone.
  private static let division = Money(nanoUSD: 1)

  package init(of ledger: Ledger, with prices: PriceBook) {
    self.ledger = ledger
    self.prices = prices
  }

  /// The ids of corrections and all that is in them follow from the rows: asked again before they are booked, the same
  /// are answered, and asked again after that, none.
  /// - Parameter row: behind which it begins; 0 for the first page.
  package func page(_ choice: Choice, after row: Int64 = 0, limit: Int = 1000) async throws(LedgerError) -> Page {
    var page = Page()
    for attempt in try await attempts(choice, after: row, limit: limit) {
      page.looked += 1
      page.next = attempt.row
      if attempt.isStated {
        page.stated += 1
        if let reversal = attempt.reversal { page.corrections.append(reversal) }
      } else if let correction = correction(of: attempt) {
        if correction.cost.amount != .zero { page.corrections.append(correction) }
      } else {
        page.unpriced += 1
      }
    }
    if page.looked < limit { page.next = nil }
    return page
  }

  /// An attempt with all that was booked for it.
  private struct BookedAttempt: Sendable {
    let row: Int64
    let event: CostEvent
    let corrections: [CostEvent]

    var isStated: Bool { ([event] + corrections).contains { $0.cost.basis == .provider } }
    /// Takes back what repricing had added before the provider stated the cost.
    var reversal: CostEvent? {
      let added = corrections.filter { ($0.correction ?? 0) > 0 && $0.cost.basis == .priceBook && $0.usage.isEmpty }
      let sum = added.reduce(Money.zero) { $0 + $1.cost.amount }
      guard sum != .zero else { return nil }
      return correction(Cost(.zero - sum, basis: .priceBook, priceID: added.last?.cost.priceID))
    }

    /// The next one, whose id and content follow from the rows.
    func correction(_ cost: Cost) -> CostEvent {
      var correction = event
      correction.corrects = event.id
      correction.correction = max(1, (corrections.compactMap(\.correction).max() ?? 0) + 1)
      correction.usage = []
      correction.cost = cost
      return correction
    }

    var amount: Money { corrections.reduce(event.cost.amount) { $0 + $1.cost.amount } }

    /// What is known to have been used, corrections included; nothing of what they take back whole.
    var usage: [Usage] {
      var net = event.usage
      let changes = corrections.flatMap(\.usage)
      for change in changes {
        if let index = net.firstIndex(where: { $0.unit == change.unit && $0.dimensions == change.dimensions }) {
          net[index].quantity = net[index].quantity + change.quantity
          net[index].source = change.source
        } else {
          net.append(change)
        }
      }
      return changes.isEmpty ? net : net.filter { $0.quantity.mantissa != 0 }
    }
  }

  /// Nil without a price; with an amount of nothing where nothing changes.
  private func correction(of attempt: BookedAttempt) -> CostEvent? {
    let event = attempt.event
    let price = prices.price(provider: event.provider, model: event.model, at: event.time)
    let usage = attempt.usage
    // An attempt that failed without using anything costs nothing, whatever the prices are.
    if usage.isEmpty { return attempt.correction(Cost(.zero, basis: .priceBook, priceID: price?.id)) }
    // One that was never heard of again is booked at its worst case.
    let isGuess = event.outcome == .unknown && usage.allSatisfy { $0.source == .estimate }
    guard let price, let cost = isGuess ? price.worstCost(of: usage) : price.cost(of: usage) else { return nil }
    let difference = cost - attempt.amount
    let isDivision = difference <= Self.division && .zero - difference <= Self.division
    return attempt.correction(Cost(isDivision ? .zero : difference, basis: .priceBook, priceID: price.id))
  }

  private func attempts(_ choice: Choice, after row: Int64, limit: Int) async throws(LedgerError) -> [BookedAttempt] {
    let conditions =
      "corrects IS NULL AND row_number > ? AND occurred_at >= ?" + (choice.to == nil ? "" : " AND occurred_at < ?")
      + (choice.provider == nil ? "" : " AND provider = ?") + (choice.model == nil ? "" : " AND model = ?")
    let values: [SQLValue] =
      [.integer(row), SQLValue(choice.from)]
      + [choice.to.map { SQLValue($0) }, choice.provider.map { .text($0) }, choice.model.map { .text($0) }]
      .compactMap(\.self)
    return try await ledger.database.read { session in
      let rows = try session.rows(
        "SELECT * FROM usage_cost WHERE \(conditions) ORDER BY row_number LIMIT ?", values + [SQLValue(limit)])
      let corrections = try session.each(
        "SELECT * FROM usage_cost WHERE corrects = ? ORDER BY row_number",
        try rows.map { [.text(try $0.text("event_id"))] })
      return try zip(rows, corrections).map { row, corrections in
        BookedAttempt(
          row: try row.integer("row_number"), event: try LedgerEntry.event(reading: row),
          corrections: try corrections.map { try LedgerEntry.event(reading: $0) })
      }
    }
  }
}

extension LedgerEntry {
  /// The event that a row was made of.
  static func event(reading row: SQLRow) throws -> CostEvent {
    let id = try row.text("event_id")
    let corrects = try row.optionalText("corrects")
    guard let task = TaskType(rawValue: try row.text("task_type")),
      let outcome = AttemptOutcome(rawValue: try row.text("outcome")),
      let basis = Cost.Basis(rawValue: try row.text("basis"))
    else { throw LedgerError(.corrupt, "usage_cost holds a task, outcome or basis that is not known") }
    return CostEvent(
      jobID: try row.text("job_id"), run: try row.text("run"), attempt: try row.int("attempt"),
      seriesID: try row.optionalText("series_id"), userID: try row.text("user_id"), tier: try row.text("tier"),
      taskType: task, provider: try row.text("provider"), model: try row.text("model"),
      modelVersion: try row.optionalText("model_version"), outcome: outcome,
      usage: try usage(reading: row.text("usage")),
      cost: Cost(try row.money("amount_nano_usd"), basis: basis, priceID: try row.optionalText("price_id")),
      time: try row.time("occurred_at"), chargePeriod: try row.text("charge_period"), corrects: corrects,
      correction: corrects.flatMap { Int(id.dropFirst($0.count + 2)) })
  }
}
