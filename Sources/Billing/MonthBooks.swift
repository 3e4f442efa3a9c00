package import Contracts

/// Admission's copy of the months, which billing keeps: Redis in the fleet. Everything may be told any number of times.
package protocol MonthBooks: Sendable {
  /// Takes over the sums, and forgets what was open for the events in them, of each month at once.
  func book(_ months: [BookedMonth]) async throws

  /// Everything that was announced before the marker is in the ledger: takes over all months that count, then lets
  /// those spend again who had to wait for it.
  func catchUp(_ marker: LedgerMarker) async throws
}
