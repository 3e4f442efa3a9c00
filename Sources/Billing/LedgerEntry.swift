import Contracts

/// One row of `usage_cost` before it has a number: a cost event in the ledger's columns. Two events with equal entries
/// are the same event to the ledger, however their JSON was spelled, because the ledger keeps nothing else of them.
struct LedgerEntry: Sendable, Equatable {
  let event: CostEvent
  /// The usage array as JSON in our own spelling, so that equal usage is equal text.
  let usage: String

  /// The most that one attempt can plausibly cost. Above it a figure is an accident or an attack, and sums would no
  /// longer be safe from overflow.
  static let maximumAmount = Money(nanoUSD: 1_000_000 * 1_000_000_000)
  /// The same for a quantity of any unit.
  static let maximumQuantity = ExactDecimal(1_000_000_000_000)
  static let maximumUsages = 64
  /// In bytes; ten files take about three thousand.
  static let maximumOutput = 16 << 10
  /// In bytes. The longest honest text is the id of another event: two identifiers of 128 and two numbers.
  static let maximumTextLength = 512

  /// Reads an arrived body; the failure is the reason for quarantine.
  static func reading(_ body: [UInt8]) -> Result<LedgerEntry, Refusal> {
    do {
      let event = try CostEvent(decoding: body)
      if let reason = fault(in: event) { return .failure(Refusal(reason: reason)) }
      return .success(LedgerEntry(event: event))
    } catch {
      return .failure(Refusal(reason: error.description))
    }
  }

  struct Refusal: Error { let reason: String }

  private init(event: CostEvent) {
    self.event = event
    usage = Self.json(event.usage)
  }

  private static func fault(in event: CostEvent) -> String? {
    guard event.cost.amount.nanoUSD.magnitude <= maximumAmount.nanoUSD.magnitude else {
      return "cost.amount: out of range"
    }
    guard event.usage.count <= maximumUsages else { return "usage: more than \(maximumUsages) entries" }
    let limit = maximumQuantity.mantissa
    for entry in event.usage where abs(entry.quantity.mantissa) > limit * ExactDecimal.power(entry.quantity.decimals) {
      return "usage.quantity: out of range"
    }
    guard (event.output?.count ?? 0) <= maximumOutput else { return "output: more than \(maximumOutput) bytes" }
    let texts = [
      event.tier, event.provider, event.model, event.modelVersion, event.seriesID, event.cost.priceID, event.corrects,
    ]
    let isPlain = texts.compactMap(\.self).allSatisfy { text in
      text.utf8.count <= maximumTextLength && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
    return isPlain ? nil : "data: a text is longer than \(maximumTextLength) bytes or has control characters"
  }

  private static func json(_ usage: [Usage]) -> String {
    var json = JSONWriter(capacity: 96)
    json.usage(usage, withSource: true)
    return String(decoding: json.bytes, as: UTF8.self)
  }
}

extension LedgerEntry {
  /// What `usage` holds.
  static func usage(reading text: String) throws -> [Usage] {
    try JSONParser.parse(Array(text.utf8)).root.elements.map { entry in
      guard let usage = Usage(reading: entry) else {
        throw LedgerError(.corrupt, "usage_cost.usage holds an unknown unit or quantity")
      }
      return usage
    }
  }

  /// Of the job's run: all its attempts and their corrections have ids that begin with it and a slash.
  var run: String { "\(event.jobID)/\(event.run)" }

  /// Adds the row, unless the event id is taken.
  static let insert = """
    INSERT INTO usage_cost (
      event_id, job_id, run, attempt, series_id, user_id, tier, task_type, provider, model, model_version,
      outcome, usage, amount_nano_usd, basis, price_id, charge_period, occurred_at, corrects, output, recorded_at,
      billing_period
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (event_id) DO NOTHING RETURNING row_number
    """

  /// The row under this event id, if it has the same content.
  static let selectSame = """
    SELECT row_number FROM usage_cost WHERE event_id = ? AND job_id = ? AND run = ? AND attempt = ?
      AND series_id IS NOT DISTINCT FROM ? AND user_id = ? AND tier = ? AND task_type = ? AND provider = ?
      AND model = ? AND model_version IS NOT DISTINCT FROM ? AND outcome = ? AND usage = ? AND amount_nano_usd = ?
      AND basis = ? AND price_id IS NOT DISTINCT FROM ? AND charge_period = ? AND occurred_at = ?
      AND corrects IS NOT DISTINCT FROM ? AND output IS NOT DISTINCT FROM ?
    """

  /// A row of a run, if it has any: of the event ids between `<job>/<run>/` and `<job>/<run>0`, because `0` follows `/`.
  static let selectRun = "SELECT row_number FROM usage_cost WHERE event_id > ? AND event_id < ? LIMIT 1"

  /// In the order of the first two statements.
  var values: [SQLValue] {
    [
      .text(event.id), .text(event.jobID), .text(event.run), SQLValue(event.attempt), SQLValue(event.seriesID),
      .text(event.userID), .text(event.tier), .text(event.taskType.rawValue), .text(event.provider),
      .text(event.model), SQLValue(event.modelVersion), .text(event.outcome.rawValue), .text(usage),
      SQLValue(event.cost.amount), .text(event.cost.basis.rawValue), SQLValue(event.cost.priceID),
      .text(event.chargePeriod), SQLValue(event.time), SQLValue(event.corrects),
      SQLValue(event.output.map { String(decoding: $0, as: UTF8.self) }),
    ]
  }

  /// The id that an unacceptable event claims, when that much can be read.
  static func id(in body: [UInt8]) -> String? {
    guard case .success(let document) = Result(catching: { () throws(JSONFault) in try JSONParser.parse(body) }) else {
      return nil
    }
    return document.root["id"]?.string.map { String($0.prefix(maximumTextLength)) }
  }
}
