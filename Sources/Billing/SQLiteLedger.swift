package import Catalog
package import Contracts
import Foundation
import GRDB

/// The ledger in one SQLite file: one billing process writes, any number of commands read or assign tiers beside it.
/// Work runs on the database library's own queues, one writer at a time; readers see snapshots and never wait.
/// A committed batch survives a power cut (write-ahead log, `synchronous = FULL`: one flush per batch).
package final class SQLiteLedger: LedgerStore {
  let pool: DatabasePool
  let now: @Sendable () -> Timestamp

  /// How long a writer waits for another process before `LedgerError.Code.busy`, in seconds.
  private static let busyTimeout = 5.0

  /// Opens or creates the file and brings its schema up to date.
  /// - Parameter now: the wall clock; tests stand it still.
  package init(path: String, now: @escaping @Sendable () -> Timestamp = { wallClock() }) throws(LedgerError) {
    self.now = now
    var configuration = Configuration()
    configuration.label = "ledger"
    configuration.busyMode = .timeout(Self.busyTimeout)
    configuration.maximumReaderCount = 2
    do {
      pool = try DatabasePool(path: path, configuration: configuration)
      // After the pool's own set-up, which chooses NORMAL: that may lose the last commits in a power cut.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      try LedgerMigrations.bring(pool)
    } catch {
      throw LedgerError(error)
    }
  }

  /// Opens the ledger that `TOLLWAY_LEDGER_URL` names.
  package convenience init(url: String) throws(LedgerError) {
    try self.init(path: Self.path(ofURL: url), now: wallClock)
  }

  /// Everything after `sqlite://` is the path: `sqlite://a.db` is relative, `sqlite:///var/a.db` absolute. The text is
  /// not repeated in errors, it may hold a password.
  package static func path(ofURL url: String) throws(LedgerError) -> String {
    let scheme = "sqlite://"
    if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
      throw LedgerError(
        .configuration, "TOLLWAY_LEDGER_URL: PostgreSQL comes with a later version; use sqlite://PATH until then")
    }
    guard url.hasPrefix(scheme), url.count > scheme.count else {
      throw LedgerError(.configuration, "TOLLWAY_LEDGER_URL: must be sqlite://PATH")
    }
    return String(url.dropFirst(scheme.count))
  }

  package func record(_ events: [ArrivedEvent], under policy: Policy) async throws(LedgerError) -> RecordedBatch {
    let entries = events.map { LedgerEntry.reading($0.body) }
    let recordedAt = now()
    return try await ledgerErrors {
      try await pool.write { database in
        var batch = LedgerBatch(database: database, recordedAt: recordedAt)
        let outcomes = try zip(events, entries).map { event, entry in try batch.record(event, entry) }
        return RecordedBatch(outcomes: outcomes, months: try batch.finish(under: policy))
      }
    }
  }

  package func userMonth(of user: String, period: String) async throws(LedgerError) -> UserMonth? {
    try await ledgerErrors {
      try await pool.read { try UserMonth.fetch(user: user, period: period, from: $0) }
    }
  }

  /// Closes the file. Work that was not committed is gone, as after a crash.
  package func close() throws(LedgerError) {
    do { try pool.close() } catch { throw LedgerError(error) }
  }
}

@Sendable func wallClock() -> Timestamp {
  Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
}
