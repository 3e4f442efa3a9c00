import Logging
import Postgres
import Synchronization

/// A ledger in PostgreSQL, which any number of processes may write at once. Three connections, each on a thread of its
/// own: neither writes nor short reads wait for a long report. Each is opened when it is needed, and before the first
/// call does anything the tables are brought up to date, or looked for; a server that is away makes calls fail and
/// nothing else.
final class PostgresDatabase: LedgerDatabase {
  private let writer: PostgresClient
  private let reader: PostgresClient
  private let unhurriedReader: PostgresClient
  private let opening: LedgerOpening
  private let isUpToDate = Atomic(false)

  /// A report over years may take longer than anything that is written.
  private static let readTimeout = Duration.seconds(600)

  /// Connects to nothing yet.
  init(
    url: String, opening: LedgerOpening = .making, logger: Logger = Logger(label: "ledger")
  ) throws(LedgerError) {
    self.opening = opening
    do throws(PostgresError) {
      var configuration = try PostgresConfiguration(url: url)
      writer = PostgresClient(configuration, name: "ledger-writer", logger: logger)
      configuration.statementTimeout = Self.readTimeout
      reader = PostgresClient(configuration, name: "ledger-reader", logger: logger)
      unhurriedReader = PostgresClient(configuration, name: "ledger-reports", logger: logger)
    } catch {
      throw LedgerError(error)
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await transaction(.snapshot, over: reader, body)
  }

  func readUnhurried<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await transaction(.snapshot, over: unhurriedReader, body)
  }

  func write<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await transaction(.write, over: writer, body)
  }

  func writeUnhurried<Value: Sendable>(
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    try await transaction(.unhurried, over: writer, body)
  }

  /// Lets the calls end that were made before, in the background.
  func close() {
    let clients = [writer, reader, unhurriedReader]
    Task { for client in clients { await client.close() } }
  }

  private func transaction<Value: Sendable>(
    _ kind: PostgresTransaction, over client: PostgresClient,
    _ body: @escaping @Sendable (any SQLSession) throws -> Value
  ) async throws(LedgerError) -> Value {
    do {
      // Several at once find out one after the other that there is nothing left to do.
      if !isUpToDate.load(ordering: .acquiring) {
        switch opening {
        case .making: try await PostgresMigrations.bring(writer)
        case .existing: try await PostgresMigrations.requireNewest(client)
        }
        isUpToDate.store(true, ordering: .releasing)
      }
      return try await client.transaction(kind) { session in
        try body(LedgerSession(session: session, isShared: kind != .snapshot))
      }
    } catch let error as PostgresError {
      throw LedgerError(error)
    } catch {
      throw LedgerError(error)
    }
  }
}

private struct LedgerSession: SQLSession {
  let session: PostgresSession
  let isShared: Bool

  func rows(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> [SQLRow] {
    try ledgerErrors {
      let found = try session.rows(sql, Self.parameters(values))
      return Self.rows(found.rows, Self.places(found.columns))
    }
  }

  func execute(_ sql: String, _ values: [SQLValue]) throws(LedgerError) -> Int {
    try ledgerErrors { try session.execute(sql, Self.parameters(values)) }
  }

  func each(_ sql: String, _ lists: [[SQLValue]]) throws(LedgerError) -> [[SQLRow]] {
    try ledgerErrors {
      let batch = try session.each(sql, lists.map { Self.parameters($0) })
      let places = Self.places(batch.columns)
      return batch.results.map { Self.rows($0, places) }
    }
  }

  func scan(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws(LedgerError) {
    try ledgerErrors {
      var places: [String: Int]?
      try session.scan(sql, Self.parameters(values)) { columns, row in
        let known = places ?? Self.places(columns)
        places = known
        try body(SQLRow(places: known, values: row.map { SQLValue($0) }))
      }
    }
  }

  private func ledgerErrors<Value>(_ work: () throws -> Value) throws(LedgerError) -> Value {
    do {
      return try work()
    } catch let error as PostgresError {
      throw LedgerError(error)
    } catch {
      throw LedgerError(error)
    }
  }

  private static func places(_ columns: [String]) -> [String: Int] {
    Dictionary(zip(columns, 0...)) { first, _ in first }
  }

  private static func rows(_ rows: [[PostgresValue]], _ places: [String: Int]) -> [SQLRow] {
    rows.map { row in SQLRow(places: places, values: row.map { SQLValue($0) }) }
  }

  /// A zero byte, which PostgreSQL cannot hold in a text and no id of ours has, is kept as U+FFFD.
  private static func parameters(_ values: [SQLValue]) -> [PostgresValue] {
    values.map { value in
      switch value {
      case .null: .null
      case .integer(let integer): .integer(integer)
      case .text(let text): .text(text.utf8.contains(0) ? String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) : text)
      case .bytes(let bytes): .bytes(bytes)
      }
    }
  }
}

extension SQLValue {
  fileprivate init(_ value: PostgresValue) {
    switch value {
    case .null: self = .null
    case .integer(let integer): self = .integer(integer)
    case .text(let text): self = .text(text)
    case .bytes(let bytes): self = .bytes(bytes)
    }
  }
}

extension LedgerError {
  init(_ error: PostgresError) {
    let code: Code =
      switch error.code {
      case .configuration: .configuration
      case .unreachable, .connectionLost, .deadlineExceeded, .interrupted: .unavailable
      case .busy: .busy
      case .diskFull: .diskFull
      case .corrupt: .corrupt
      case .cancelled: .cancelled
      case .closed, .server, .misuse: .unexpected
      }
    self.init(code, "\(error)")
  }
}
