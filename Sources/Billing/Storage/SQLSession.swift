/// One open transaction. Statements are written once, in what SQLite and PostgreSQL have in common, with `?` for each
/// value; a whole number comes back as `integer`, whatever its width. Used by one thread, and only inside the call that
/// handed it out.
protocol SQLSession {
  /// Whether other transactions may write while this one does. If not, and in one that only reads, nothing is locked.
  var isShared: Bool { get }

  /// Those of small results; a large one is scanned.
  func rows(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> [SQLRow]

  /// How many rows it changed.
  @discardableResult
  func execute(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> Int

  /// The same statement once for each list of values, in order and without waiting in between; the rows of each.
  func each(_ sql: String, _ lists: [[SQLValue]]) throws(LedgerError) -> [[SQLRow]]

  /// Row by row, of a result of any size. What the body throws ends the scan.
  func scan(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws(LedgerError)
}

extension SQLSession {
  /// Behind a SELECT: keeps its rows from others until this transaction ends.
  var forUpdate: String { isShared ? " FOR UPDATE" : "" }

  func rows(_ sql: String) throws(LedgerError) -> [SQLRow] { try rows(sql, []) }

  func row(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> SQLRow? { try rows(sql, values).first }
}

/// The database that a ledger is kept in. Any number of tasks may call at once; calls of one process that write take
/// turns.
protocol LedgerDatabase: Sendable {
  /// Everything that the body reads is of one moment.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value

  /// As `read`, for what goes over much of the ledger. Others that read do not wait for one of these; two of them at a
  /// time may hold everybody up.
  func readUnhurried<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value

  /// One transaction: when this returns, it is on disk; when it throws, nothing of it is, unless the connection was lost
  /// while it was committed. Other processes may write at the same time: rows that a body has read and writes again are
  /// read `forUpdate`, in the order of their keys.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value

  /// As `write`, for what goes over much of the ledger: it takes as long as it takes.
  func writeUnhurried<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value

  func close() throws(LedgerError)
}
