package import Catalog
package import Contracts
import Foundation

/// The ledger, in SQLite or in PostgreSQL: one row per attempt, and what follows from the rows. Any number of tasks may
/// call at once; on PostgreSQL any number of processes may book at once.
package final class Ledger: LedgerStore {
  let database: any LedgerDatabase
  let now: @Sendable () -> Timestamp
  private let failpoints: LedgerFailpoints

  init(
    database: any LedgerDatabase, failpoints: LedgerFailpoints = .none,
    now: @escaping @Sendable () -> Timestamp = { wallClock() }
  ) {
    self.database = database
    self.failpoints = failpoints
    self.now = now
  }

  /// Opens or creates the file.
  /// - Parameter now: the wall clock; tests stand it still.
  package convenience init(
    path: String, now: @escaping @Sendable () -> Timestamp = { wallClock() }
  ) throws(LedgerError) {
    self.init(database: try SQLiteDatabase(path: path), now: now)
  }

  /// Opens the ledger that `TOLLWAY_LEDGER_URL` names; a server is connected to when it is needed first. The address is
  /// not repeated in errors, it may hold a password.
  /// - Parameter failpoint: `TOLLWAY_FAILPOINT`; a place that is none of the ledger's is left alone.
  package convenience init(
    url: String, opening: LedgerOpening = .making, failpoint: String? = nil
  ) throws(LedgerError) {
    let failpoints = LedgerFailpoints(parsing: failpoint)
    let database: any LedgerDatabase =
      if let path = try Self.path(ofURL: url) {
        try SQLiteDatabase(path: path, opening: opening)
      } else {
        try PostgresDatabase(url: url, opening: opening)
      }
    self.init(database: database, failpoints: failpoints)
  }

  /// The file that an address names: everything after `sqlite://` is its path, `sqlite://a.db` is relative,
  /// `sqlite:///var/a.db` absolute. Nil for an address of PostgreSQL.
  package static func path(ofURL url: String) throws(LedgerError) -> String? {
    if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") { return nil }
    let scheme = "sqlite://"
    guard url.hasPrefix(scheme), url.count > scheme.count else {
      throw LedgerError(.configuration, "TOLLWAY_LEDGER_URL: must be sqlite://PATH or postgres://USER@HOST/DATABASE")
    }
    return String(url.dropFirst(scheme.count))
  }

  /// Returns when a server has answered and its tables are as the opening asks for.
  package func reach() async throws(LedgerError) { try await database.read { _ in } }

  package func record(_ events: [ArrivedEvent], under policy: Policy) async throws(LedgerError) -> RecordedBatch {
    let arrivals = events.map { LedgerBatch.Arrival(event: $0, entry: LedgerEntry.reading($0.body)) }
    let recordedAt = now()
    failpoints.pass(.beforeInsert)
    let batch = try await database.write { [failpoints] session in
      let batch = try LedgerBatch(session: session, recordedAt: recordedAt, policy: policy).record(arrivals)
      failpoints.pass(.beforeCommit)
      return batch
    }
    failpoints.pass(.afterCommit)
    return batch
  }

  package func userMonth(of user: String, period: String) async throws(LedgerError) -> UserMonth? {
    try await database.read { try UserMonth.fetch(user: user, period: period, from: $0) }
  }

  /// Closes the database. Work that was not committed is gone, as after a crash.
  package func close() throws(LedgerError) { try database.close() }
}

@Sendable func wallClock() -> Timestamp {
  Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
}
