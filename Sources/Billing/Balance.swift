import Contracts

/// What all rows of a month come to for one tier, one provider or the whole fleet: a row of `balance`.
struct Balance: Sendable, Hashable {
  enum Scope: Sendable, Hashable, CustomStringConvertible {
    case fleet
    case tier(String)
    case provider(String)

    /// As the ledger writes it.
    var description: String {
      switch self {
      case .fleet: "fleet"
      case .tier(let code): "tier:\(code)"
      case .provider(let name): "provider:\(name)"
      }
    }
  }

  var scope: Scope
  /// `2026-11`.
  var chargePeriod: String
  var amount: Money
}

/// What the new rows of a batch add to the balances.
struct BalanceChanges {
  private struct Key: Hashable {
    let scope: Balance.Scope
    let period: String
  }

  private var changes: [Key: Money] = [:]
  /// As they were when the batch began.
  private var before: [Key: Money] = [:]

  /// No sum may be larger, either way: what comes on top of it in one batch still fits.
  private static let largest = Int128(Int64.max / 2)

  private static func keys(of event: CostEvent) -> [Key] {
    [Balance.Scope.fleet, .tier(event.tier), .provider(event.provider)].map {
      Key(scope: $0, period: event.chargePeriod)
    }
  }

  /// Reads the balances that events belong to.
  mutating func read(of events: [CostEvent], from session: any SQLSession) throws {
    let keys = Array(Set(events.flatMap(Self.keys)))
    let rows = try session.each(
      "SELECT amount_nano_usd FROM balance WHERE scope = ? AND charge_period = ?",
      keys.map { [.text("\($0.scope)"), .text($0.period)] })
    for (key, found) in zip(keys, rows) { before[key] = try found.first?.money("amount_nano_usd") ?? .zero }
  }

  /// Whether the sums hold all of these events on top of what was added, in any order.
  func hold(_ events: [CostEvent]) -> Bool {
    var sums: [Key: Int128] = [:]
    for event in events {
      for key in Self.keys(of: event) {
        let sum = Int128((before[key] ?? .zero).nanoUSD) + Int128((changes[key] ?? .zero).nanoUSD)
        sums[key, default: abs(sum)] += Int128(event.cost.amount.nanoUSD.magnitude)
      }
    }
    return sums.values.allSatisfy { $0 <= Self.largest }
  }

  mutating func add(_ event: CostEvent) {
    for key in Self.keys(of: event) { changes[key] = (changes[key] ?? .zero) + event.cost.amount }
  }

  /// Adds them, in the order of their names, so that two processes cannot wait for each other; answers the sums.
  func write(to session: any SQLSession) throws -> [Balance] {
    let keys = changes.keys.sorted { ("\($0.scope)", $0.period) < ("\($1.scope)", $1.period) }
    let rows = try session.each(
      """
      INSERT INTO balance (scope, charge_period, amount_nano_usd) VALUES (?, ?, ?)
      ON CONFLICT (scope, charge_period)
      DO UPDATE SET amount_nano_usd = balance.amount_nano_usd + excluded.amount_nano_usd
      RETURNING amount_nano_usd
      """,
      keys.map { [.text("\($0.scope)"), .text($0.period), SQLValue(changes[$0] ?? .zero)] })
    return try zip(keys, rows).compactMap { key, found in
      try found.first.map {
        Balance(scope: key.scope, chargePeriod: key.period, amount: try $0.money("amount_nano_usd"))
      }
    }
  }
}
