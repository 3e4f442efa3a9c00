package import Billing

/// Makes reports of the ledger, one at a time, because one may go over every row that there is: a second one would leave
/// nobody a reader (`LedgerDatabase.readUnhurried`). Safe to share.
package struct Reports: Sendable {
  private let ledger: LedgerAccess
  private let turns: Turnstile
  private let limit: Duration
  private let sum: @Sendable (Ledger, LedgerQuery) async throws -> LedgerReport

  /// - Parameters:
  ///   - turns: of whoever asks in one process.
  ///   - limit: how long one may take; then it is broken off.
  ///   - sum: tests put something else there.
  package init(
    of ledger: LedgerAccess, turns: Turnstile = Turnstile(places: 4, reserve: 0), limit: Duration = .seconds(30),
    sum: @escaping @Sendable (Ledger, LedgerQuery) async throws -> LedgerReport = { try await $0.report($1) }
  ) {
    self.ledger = ledger
    self.turns = turns
    self.limit = limit
    self.sum = sum
  }

  /// - Throws: `Turnstile.Crowded`, `LedgerAccess.Late`, `LedgerError`.
  package func sheet(_ query: LedgerQuery) async throws -> LedgerSheet {
    try await turns.pass(.look) {
      LedgerSheet(try await ledger.read(within: limit) { [sum] in try await sum($0, query) })
    }
  }
}
