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

  mutating func add(_ event: CostEvent) {
    for scope in [Balance.Scope.fleet, .tier(event.tier), .provider(event.provider)] {
      let key = Key(scope: scope, period: event.chargePeriod)
      changes[key] = (changes[key] ?? .zero) + event.cost.amount
    }
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
