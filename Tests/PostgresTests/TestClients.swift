import Logging
import TestKit

@testable import Postgres

/// A client for the body, closed behind it.
func withClient<Value>(
  _ url: String, log: RecordingLog = RecordingLog(), configure: (inout PostgresConfiguration) -> Void = { _ in },
  _ body: (PostgresClient) async throws -> Value
) async throws -> Value {
  var configuration = try PostgresConfiguration(url: url)
  configure(&configuration)
  let client = PostgresClient(configuration, logger: log.logger)
  let result: Result<Value, any Error>
  do {
    result = .success(try await body(client))
  } catch {
    result = .failure(error)
  }
  await client.close()
  return try result.get()
}

/// As above, on an empty database of its own.
func withDatabase<Value>(
  log: RecordingLog = RecordingLog(), configure: (inout PostgresConfiguration) -> Void = { _ in },
  _ body: (PostgresClient, _ url: String) async throws -> Value
) async throws -> Value {
  try await LivePostgres.shared().withDatabase { url in
    try await withClient(url, log: log, configure: configure) { try await body($0, url) }
  }
}

extension PostgresClient {
  @discardableResult
  func rows(_ sql: String, _ values: [PostgresValue] = []) async throws -> [[PostgresValue]] {
    try await transaction(.write) { try $0.rows(sql, values).rows }
  }

  /// How a transaction fails; nil if it does not, or not with an error of ours.
  func failure(
    _ kind: PostgresTransaction = .write, _ body: @escaping @Sendable (PostgresSession) throws -> Void
  ) async -> PostgresError? {
    do {
      try await transaction(kind, body)
      return nil
    } catch {
      return error as? PostgresError
    }
  }

  func failure(of sql: String, _ values: [PostgresValue] = []) async -> PostgresError? {
    await failure { _ = try $0.rows(sql, values) }
  }

  /// The number of the server's process behind the connection.
  func backend() async throws -> PostgresValue? { try await rows("SELECT pg_backend_pid()").first?.first }
}
