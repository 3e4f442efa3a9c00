import Catalog
package import Contracts
import Foundation
import GRDB

/// Something that an administrator is told once: that a user's month has reached a share of its cost cap. Written with
/// the rows that gave reason to it, sent after the commit. There is one for each scope, period, kind and threshold.
package struct Alert: Sendable, Hashable {
  package enum Kind: String, Sendable { case costCap = "cost_cap" }
  package enum Severity: String, Sendable { case warning, error }

  /// In percent of the cap, ascending.
  static let thresholds = [100]

  package var kind: Kind
  package var severity: Severity
  package var userID: String
  package var tier: String
  /// `2026-11`.
  package var period: String
  /// In percent of the cap.
  package var threshold: Int
  package var cap: Money
  package var amount: Money
  package var isHardStop: Bool
  package var time: Timestamp

  var scope: String { "user:\(userID)" }

  /// Those that a month gives reason to, whether or not they were written before. Pure.
  /// - Parameter tier: of the month's newest row; an assigned one outranks it.
  static func due(
    on month: UserMonth, tier: String, entitlement: Entitlement?, policy: Policy, at time: Timestamp
  ) -> [Alert] {
    let assigned = entitlement?.tier.flatMap { policy.tier(named: $0) }
    let judging = assigned ?? policy.tier(named: tier) ?? policy.effectiveTier(assigned: nil, claimed: nil)
    let granted = judging.granting(entitlement)
    guard let cap = granted.costCap, month.amount > .zero else { return [] }
    return thresholds.filter { Int128(month.amount.nanoUSD) * 100 >= Int128(cap.monthly.nanoUSD) * Int128($0) }.map {
      Alert(
        kind: .costCap, severity: cap.isHard ? .error : .warning, userID: month.userID, tier: granted.code,
        period: month.chargePeriod, threshold: $0, cap: cap.monthly, amount: month.amount, isHardStop: cap.isHard,
        time: time)
    }
  }

  func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.literal("{")
    json.member("kind", kind.rawValue)
    json.member("severity", severity.rawValue)
    json.member("userId", userID)
    json.member("tier", tier)
    json.member("period", period)
    json.member("capUsd", cap.description)
    json.member("amountUsd", amount.description)
    json.key("hardStop")
    json.literal(isHardStop ? "true" : "false")
    json.member("time", time.description)
    json.literal("}")
    return json.bytes
  }

  /// Writes it unless there is one already.
  func insert(into database: Database, at time: Timestamp) throws {
    let statement = try database.cachedStatement(
      sql: """
        INSERT INTO alert (scope, period, kind, threshold, severity, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (scope, period, kind, threshold) DO NOTHING
        """)
    try statement.execute(
      arguments: StatementArguments(
        [
          scope, period, kind.rawValue, threshold, severity.rawValue, Data(encoded()),
          time.description,
        ] as [(any DatabaseValueConvertible)?]))
  }
}

/// An alert as it lies in the ledger, ready to go out.
package struct StoredAlert: Sendable, Hashable {
  package let number: Int64
  /// The same whenever it is sent, so that a receiver can tell a repetition.
  package let id: String
  /// `<severity>.<kind>`.
  package let routingKey: String
  package let body: [UInt8]
}
