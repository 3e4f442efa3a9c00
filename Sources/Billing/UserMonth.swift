package import Contracts

/// What one user used in one month: a row of `user_month`, kept equal to the sum of the user's rows by every
/// transaction that adds one.
package struct UserMonth: Sendable, Hashable {
  package var userID: String
  /// `2026-11`.
  package var chargePeriod: String
  /// All rows, failed and unknown attempts and corrections included.
  package var amount: Money
  /// Distinct runs with at least one row.
  package var jobs: Int
  /// Exact; a unit that never occurred is absent.
  package var units: [Usage.Unit: ExactDecimal]
  /// The largest number of its rows, 0 for none: of two copies of the month the one with the larger is newer.
  package var lastRow: Int64

  package init(
    userID: String, chargePeriod: String, amount: Money = .zero, jobs: Int = 0,
    units: [Usage.Unit: ExactDecimal] = [:], lastRow: Int64 = 0
  ) {
    self.userID = userID
    self.chargePeriod = chargePeriod
    self.amount = amount
    self.jobs = jobs
    self.units = units
    self.lastRow = lastRow
  }

  /// The month with one more event; nil when a sum no longer fits.
  func adding(_ event: CostEvent, isNewRun: Bool) -> UserMonth? {
    let (nanoUSD, overflow) = amount.nanoUSD.addingReportingOverflow(event.cost.amount.nanoUSD)
    guard !overflow else { return nil }
    var sum = self
    sum.amount = Money(nanoUSD: nanoUSD)
    sum.jobs += isNewRun ? 1 : 0
    sum.units.add(event.usage)
    return sum.units.values.allSatisfy { $0.fitsLedger } ? sum : nil
  }
}

extension [Usage.Unit: ExactDecimal] {
  mutating func add(_ usage: [Usage]) {
    for entry in usage { self[entry.unit] = (self[entry.unit] ?? .zero) + entry.quantity }
  }

  mutating func add(_ other: Self) {
    merge(other) { $0 + $1 }
  }
}

extension ExactDecimal {
  /// Sums stay below 10^18 units at 18 decimals, so that adding another entry cannot overflow 128 bits.
  var fitsLedger: Bool {
    decimals <= Self.maximumDigits && abs(mantissa) < Self.power(Self.maximumDigits) * Self.power(decimals)
  }

  /// Reads a sum as the ledger writes it; sums may have more digits than `init(_:)` takes from strangers.
  init?(sum text: String) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let mantissa = Int128(parts.joined()) else { return nil }
    self.init(mantissa: mantissa, decimals: parts.count == 2 ? parts[1].count : 0)
  }
}

extension UserMonth {
  static let select = "SELECT * FROM user_month WHERE user_id = ? AND charge_period = ?"

  static func fetch(user: String, period: String, from session: any SQLSession) throws -> UserMonth? {
    try session.row(select, [.text(user), .text(period)]).map { try UserMonth($0) }
  }

  init(_ row: SQLRow) throws(LedgerError) {
    self.init(
      userID: try row.text("user_id"), chargePeriod: try row.text("charge_period"),
      amount: try row.money("amount_nano_usd"), jobs: try row.int("jobs"), lastRow: try row.integer("last_row"))
    for unit in Usage.Unit.allCases {
      guard let sum = ExactDecimal(sum: try row.text(unit.rawValue)) else {
        throw LedgerError(.corrupt, "user_month.\(unit.rawValue) is not a decimal number")
      }
      if sum.mantissa != 0 { units[unit] = sum }
    }
  }

  /// Writes the month whether or not it was there.
  static let upsert =
    insert + " ON CONFLICT (user_id, charge_period) DO UPDATE SET "
    + sums.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")

  /// Writes it only if it was not there, and says so.
  static let insertEmpty = insert + " ON CONFLICT (user_id, charge_period) DO NOTHING RETURNING user_id"

  private static let sums = ["amount_nano_usd", "jobs", "last_row"] + Usage.Unit.allCases.map(\.rawValue)
  private static let insert = """
    INSERT INTO user_month (user_id, charge_period, \(sums.joined(separator: ", ")))
    VALUES (?, ?\(String(repeating: ", ?", count: sums.count)))
    """

  /// In the order of the two statements.
  var values: [SQLValue] {
    [.text(userID), .text(chargePeriod), SQLValue(amount), SQLValue(jobs), .integer(lastRow)]
      + Usage.Unit.allCases.map { .text((units[$0] ?? .zero).description) }
  }
}
