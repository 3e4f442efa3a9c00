/// What opening a ledger does where its tables are missing or of an older version.
package enum LedgerOpening: Sendable {
  /// Makes them, and brings them up to date.
  case making
  /// Refuses with `LedgerError.Code.absent` or `olderSchema`, and changes nothing: an address that was mistyped shall
  /// not become an empty ledger, nor a report change the tables that an older billing process still writes.
  case existing
}
