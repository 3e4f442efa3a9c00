import Contracts
import GRDB

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
  /// Adds the row and returns its number, or nil when the event id is taken.
  func insert(into database: Database, recordedAt: Timestamp) throws -> Int64? {
    let statement = try database.cachedStatement(
      sql: """
        INSERT INTO usage_cost (
          event_id, job_id, run, attempt, series_id, user_id, tier, task_type, provider, model, model_version,
          outcome, usage, amount_nano_usd, basis, price_id, charge_period, occurred_at, corrects, recorded_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (event_id) DO NOTHING
        """)
    try statement.execute(arguments: StatementArguments(columns + [recordedAt.description]))
    return database.changesCount == 1 ? database.lastInsertedRowID : nil
  }

  /// Whether the row under this event id has the same content.
  func isRecorded(in database: Database) throws -> Bool {
    let statement = try database.cachedStatement(
      sql: """
        SELECT 1 FROM usage_cost WHERE event_id = ? AND job_id = ? AND run = ? AND attempt = ? AND series_id IS ?
          AND user_id = ? AND tier = ? AND task_type = ? AND provider = ? AND model = ? AND model_version IS ?
          AND outcome = ? AND usage = ? AND amount_nano_usd = ? AND basis = ? AND price_id IS ?
          AND charge_period = ? AND occurred_at = ? AND corrects IS ?
        """)
    return try Int.fetchOne(statement, arguments: StatementArguments(columns)) != nil
  }

  /// Whether the run has a row yet. The range is every event id that begins with `<job>/<run>/`: `0` follows `/`.
  func runIsKnown(in database: Database) throws -> Bool {
    let statement = try database.cachedStatement(
      sql: "SELECT 1 FROM usage_cost WHERE event_id > ? AND event_id < ? LIMIT 1")
    let run = "\(event.jobID)/\(event.run)"
    return try Int.fetchOne(statement, arguments: [run + "/", run + "0"]) != nil
  }

  /// In the order of both statements above.
  private var columns: [(any DatabaseValueConvertible)?] {
    [
      event.id, event.jobID, event.run, event.attempt, event.seriesID, event.userID, event.tier,
      event.taskType.rawValue, event.provider, event.model, event.modelVersion, event.outcome.rawValue, usage,
      event.cost.amount.nanoUSD, event.cost.basis.rawValue, event.cost.priceID, event.chargePeriod,
      event.time.description, event.corrects,
    ]
  }
}
