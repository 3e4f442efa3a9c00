package import Contracts
import GRDB

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
  static func fetch(user: String, period: String, from database: Database) throws -> UserMonth? {
    let statement = try database.cachedStatement(
      sql: "SELECT * FROM user_month WHERE user_id = ? AND charge_period = ?")
    return try Row.fetchOne(statement, arguments: [user, period]).map { try UserMonth($0) }
  }

  init(_ row: Row) throws {
    var month = UserMonth(userID: row["user_id"], chargePeriod: row["charge_period"], lastRow: row["last_row"])
    month.amount = Money(nanoUSD: row["amount_nano_usd"])
    month.jobs = row["jobs"]
    for unit in Usage.Unit.allCases {
      let text: String = row[unit.rawValue]
      guard let sum = ExactDecimal(sum: text) else {
        throw LedgerError(.corrupt, "user_month.\(unit.rawValue) is not a decimal number")
      }
      if sum.mantissa != 0 { month.units[unit] = sum }
    }
    self = month
  }

  func save(to database: Database) throws {
    let arguments: [(any DatabaseValueConvertible)?] =
      [userID, chargePeriod, amount.nanoUSD, jobs, lastRow]
      + Usage.Unit.allCases.map { (units[$0] ?? .zero).description }
    try database.cachedStatement(sql: Self.upsert).execute(arguments: StatementArguments(arguments))
  }

  private static let upsert: String = {
    let units = Usage.Unit.allCases.map(\.rawValue)
    let columns = ["amount_nano_usd", "jobs", "last_row"] + units
    return """
      INSERT INTO user_month (user_id, charge_period, \(columns.joined(separator: ", ")))
      VALUES (?, ?\(String(repeating: ", ?", count: columns.count)))
      ON CONFLICT (user_id, charge_period) DO UPDATE SET
      \(columns.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
      """
  }()
}
