import CPostgres

/// Statements over a link. Each call reads everything that the server answers to it, an error included, so that the
/// next one finds the link in step.
extension PostgresLink {
  /// Statements that the server keeps for this connection; when one more comes, all are forgotten.
  private static var keptStatements: Int { 256 }
  /// Executions that are sent before their results are read: bounds the memory for both.
  private static var window: Int { 256 }

  /// Any number of statements without values; the tag of the last one.
  @discardableResult
  func run(script: String) throws(PostgresError) -> String {
    try checkIsFree()
    guard PQsendQuery(handle, script) == 1 else { throw lost }
    return try last(of: results())?.tag ?? ""
  }

  func query(_ sql: String, _ values: [PostgresValue]) throws(PostgresError) -> PostgresResult {
    try send(try statement(for: sql), values)
    guard let result = try last(of: results(of: sql)) else { throw outOfStep }
    return result
  }

  func each(_ sql: String, _ lists: [[PostgresValue]]) throws(PostgresError) -> PostgresBatch {
    guard !lists.isEmpty else { return PostgresBatch(columns: [], results: []) }
    let name = try statement(for: sql)
    guard PQenterPipelineMode(handle) == 1 else { throw lost }
    var columns: [String]?
    var rows: [[[PostgresValue]]] = []
    rows.reserveCapacity(lists.count)
    var next = lists[...]
    while !next.isEmpty {
      let window = next.prefix(Self.window)
      next = next.dropFirst(Self.window)
      for values in window { try send(name, values) }
      guard PQpipelineSync(handle) == 1 else { throw lost }
      try flush()
      var failure: PostgresError?
      for _ in window {
        guard let result = try nextResult(), try nextResult() == nil else { throw outOfStep }
        failure = failure ?? result.error
        // Behind an error the others are only told to be skipped.
        guard failure == nil else { continue }
        if columns == nil { columns = result.columns }
        rows.append(result.rows)
      }
      guard try nextResult()?.status == PGRES_PIPELINE_SYNC else { throw outOfStep }
      if let failure {
        guard PQexitPipelineMode(handle) == 1 else { throw lost }
        throw judged(failure, of: sql)
      }
    }
    guard PQexitPipelineMode(handle) == 1 else { throw lost }
    return PostgresBatch(columns: columns ?? [], results: rows)
  }

  /// Row by row, none of them kept. When the body throws, the rest is read and dropped.
  func scan(
    _ sql: String, _ values: [PostgresValue], _ body: ([String], [PostgresValue]) throws -> Void
  ) throws {
    try send(try statement(for: sql), values)
    guard PQsetSingleRowMode(handle) == 1 else { throw lost }
    var columns: [String]?
    var failure: (any Error)?
    while let result = try nextResult() {
      if failure == nil { failure = result.error.map { judged($0, of: sql) } }
      guard failure == nil else { continue }
      let names = columns ?? result.columns
      columns = names
      do {
        for row in result.rows { try body(names, row) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  // MARK: the pieces

  /// The name under which the server has the statement, which is given to it at its first use.
  private func statement(for sql: String) throws(PostgresError) -> String {
    try checkIsFree()
    try checkCancellation()
    if let name = prepared[sql] { return name }
    if prepared.count >= Self.keptStatements {
      try run(script: "DEALLOCATE ALL")
      prepared = [:]
    }
    let name = "s\(prepared.count)"
    guard PQsendPrepare(handle, name, Placeholders.numbered(sql), 0, nil) == 1 else { throw lost }
    _ = try last(of: results())
    prepared[sql] = name
    return name
  }

  private func send(_ name: String, _ values: [PostgresValue]) throws(PostgresError) {
    try parameters.set(values)
    let isQueued = parameters.withPointers { count, pointers in
      PQsendQueryPrepared(handle, name, count, pointers, nil, nil, 0) == 1
    }
    guard isQueued else { throw lost }
  }

  /// All results of what was sent last.
  private func results(of sql: String? = nil) throws(PostgresError) -> [PostgresResult] {
    try flush()
    var found: [PostgresResult] = []
    var failure: PostgresError?
    while let result = try nextResult() {
      failure = failure ?? result.error
      found.append(result)
    }
    if let failure { throw sql.map { judged(failure, of: $0) } ?? failure }
    return found
  }

  private func last(of results: [PostgresResult]) throws(PostgresError) -> PostgresResult? {
    guard let last = results.last else { return nil }
    let isDone = last.status == PGRES_COMMAND_OK || last.status == PGRES_TUPLES_OK || last.status == PGRES_EMPTY_QUERY
    guard isDone else { throw outOfStep }
    return last
  }

  /// A statement that was good when it was prepared and now is "not supported": another program has changed the tables.
  private func judged(_ error: PostgresError, of sql: String) -> PostgresError {
    guard error.sqlState == "0A000", prepared[sql] != nil else { return error }
    return PostgresError(.connectionLost, "the tables have changed since the connection began", sqlState: "0A000")
  }

  private var outOfStep: PostgresError { PostgresError(.connectionLost, "postgres sent an answer that does not fit") }

  private func checkIsFree() throws(PostgresError) {
    guard PQtransactionStatus(handle) != PQTRANS_ACTIVE else {
      throw PostgresError(.misuse, "a statement was asked for inside the scan of another")
    }
  }
}
