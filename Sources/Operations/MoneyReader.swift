package import Billing
package import Catalog
package import Contracts

/// Reads what was spent: sums of the month and the rows of today each time, the rows of the days before once in ten
/// minutes, because late ones are few and looking at all of them costs. One task.
package struct MoneyReader: Sendable {
  package static let days = 14
  private static let lateness: Duration = .seconds(600)
  private static let dayLength: Int64 = 86_400_000
  /// Of a cap or a quota, in percent: from there on a user is near its limit.
  private static let near = 80

  private var past: [SpendingDay] = []
  private var pastOf: (today: String, at: ContinuousClock.Instant)?

  package init() {}

  /// - Parameter now: by this machine's clock, UTC.
  package mutating func read(
    _ ledger: Ledger, _ budgets: Budgets, at now: Timestamp
  ) async throws(LedgerError) -> MoneySample {
    let names = (0..<Self.days).reversed().map { ago in
      Self.day(of: Timestamp(milliseconds: now.milliseconds - Int64(ago) * Self.dayLength))
    }
    let today = Self.day(of: now)
    if pastOf?.today != today || pastOf.map({ ContinuousClock.now - $0.at >= Self.lateness }) ?? true {
      past = try await ledger.spending(from: Self.begin(of: names[0], now)).filter { $0.day < today }
      pastOf = (today, .now)
    }
    let current = try await ledger.spending(from: Self.begin(of: today, now))
    let month = try await ledger.spendingMonth(now.chargePeriod, nearLimit: Self.near)
    return MoneySample(days: names, past + current, month, budgets, at: now)
  }

  private static func day(of time: Timestamp) -> String { String(time.description.prefix(10)) }

  private static func begin(of day: String, _ now: Timestamp) -> Timestamp { Timestamp("\(day)T00:00:00Z") ?? now }
}

extension MoneySample {
  /// - Parameters:
  ///   - names: of the days that are shown, the oldest first. What belongs to others, as of an event from the future, is
  ///     left out.
  ///   - now: within the month.
  init(days names: [String], _ spent: [SpendingDay], _ month: SpendingMonth, _ budgets: Budgets, at now: Timestamp) {
    var tiers: [String: [String: Sum]] = [:]
    for row in spent {
      tiers[row.day, default: [:]][row.tier] = Sum(amount: row.amount, failed: row.failed, jobs: row.jobs)
    }
    let byTier = month.balances.compactMap { scope, amount in
      scope.hasPrefix("tier:") ? (String(scope.dropFirst("tier:".count)), amount) : nil
    }
    let bounds =
      (budgets.fleet.map { [("fleet", $0)] } ?? [])
      + budgets.tiers.sorted { $0.key < $1.key }.map { ("tier:\($0.key)", $0.value) }
      + budgets.providers.sorted { $0.key < $1.key }.map { ("provider:\($0.key)", $0.value) }
    self.init(
      asOf: now, month: now.chargePeriod, monthByTier: Dictionary(uniqueKeysWithValues: byTier),
      monthTotal: month.balances["fleet"] ?? .zero, days: names.map { Day(day: $0, tiers: tiers[$0] ?? [:]) },
      budgets: bounds.map { Budget(scope: $0.0, limit: $0.1, used: month.balances[$0.0] ?? .zero) },
      lastBooked: month.lastBooked, usersNearLimit: month.usersNearLimit)
  }
}
