import Foundation
import GRDB

/// A ledger in one SQLite file: one billing process writes, any number of commands read or assign tiers beside it.
/// Work runs on the database library's own queues, one writer at a time; readers see snapshots and never wait.
/// A committed batch survives a power cut (write-ahead log, `synchronous = FULL`: one flush per transaction).
final class SQLiteDatabase: LedgerDatabase {
  let pool: DatabasePool

  /// How long a writer waits for another process before `LedgerError.Code.busy`, in seconds.
  private static let busyTimeout = 5.0

  /// Opens the file; makes it and its tables only where the opening says so.
  init(path: String, opening: LedgerOpening = .making) throws(LedgerError) {
    var configuration = Configuration()
    configuration.label = "ledger"
    configuration.busyMode = .timeout(Self.busyTimeout)
    configuration.maximumReaderCount = 2
    do {
      if opening == .existing { try Self.requireTables(at: path) }
      pool = try DatabasePool(path: path, configuration: configuration)
      // After the pool's own set-up, which chooses NORMAL: that may lose the last commits in a power cut.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      if opening == .making { try SQLiteMigrations.bring(pool) }
    } catch {
      throw LedgerError(error)
    }
  }

  /// Looks without the right to write: the file may be somebody else's, and opening it as ours would change it.
  private static func requireTables(at path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw LedgerError(.absent, "there is no ledger at \(URL(filePath: path).path)")
    }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(busyTimeout)
    let file = try DatabaseQueue(path: path, configuration: configuration)
    try file.read { try SQLiteMigrations.requireNewest($0) }
    try file.close()
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await ledgerErrors { try await pool.read { try body(SQLiteSession(database: $0)) } }
  }

  func readUnhurried<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await read(body)
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await ledgerErrors { try await pool.write { try body(SQLiteSession(database: $0)) } }
  }

  func writeUnhurried<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await write(body)
  }

  func close() throws(LedgerError) {
    do { try pool.close() } catch { throw LedgerError(error) }
  }
}

private struct SQLiteSession: SQLSession {
  let database: Database

  var isShared: Bool { false }

  func rows(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> [SQLRow] {
    try ledgerErrors { try Self.rows(of: try database.cachedStatement(sql: sql), values) }
  }

  func execute(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> Int {
    try ledgerErrors {
      try database.cachedStatement(sql: sql).execute(arguments: Self.arguments(values))
      return database.changesCount
    }
  }

  func each(_ sql: String, _ lists: [[SQLValue]]) throws(LedgerError) -> [[SQLRow]] {
    try ledgerErrors {
      let statement = try database.cachedStatement(sql: sql)
      return try lists.map { try Self.rows(of: statement, $0) }
    }
  }

  func scan(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws(LedgerError) {
    try ledgerErrors {
      let statement = try database.cachedStatement(sql: sql)
      let cursor = try Row.fetchCursor(statement, arguments: Self.arguments(values))
      var places: [String: Int]?
      while let row = try cursor.next() { try body(Self.row(row, &places)) }
    }
  }

  private static func rows(of statement: Statement, _ values: [SQLValue]) throws -> [SQLRow] {
    let cursor = try Row.fetchCursor(statement, arguments: arguments(values))
    var found: [SQLRow] = []
    var places: [String: Int]?
    while let row = try cursor.next() { found.append(Self.row(row, &places)) }
    return found
  }

  /// - Parameter known: of the result's first row, which counts: a statement may be older than the tables.
  private static func row(_ row: Row, _ known: inout [String: Int]?) -> SQLRow {
    let places = known ?? Dictionary(zip(row.columnNames, 0...)) { first, _ in first }
    known = places
    let values: [SQLValue] = row.databaseValues.map { value in
      switch value.storage {
      case .null: .null
      case .int64(let integer): .integer(integer)
      case .string(let text): .text(text)
      case .blob(let data): .bytes(Array(data))
      case .double: .null  // no column of ours holds one
      }
    }
    return SQLRow(places: places, values: values)
  }

  private static func arguments(_ values: [SQLValue]) -> StatementArguments {
    StatementArguments(
      values.map { value -> (any DatabaseValueConvertible)? in
        switch value {
        case .null: nil
        case .integer(let integer): integer
        case .text(let text): text
        case .bytes(let bytes): Data(bytes)
        }
      })
  }
}
