import Confinement
package import Logging
import Synchronization

/// PostgreSQL for the rooms above: transactions over one connection, one after the other, on a thread of its own. The
/// connection is opened by the first call and again by the first call after it was lost. Any thread may call.
package final class PostgresClient: Sendable {
  private let connection: PostgresConnection
  private let isClosed = Atomic(false)

  /// Connects to nothing yet.
  /// - Parameter name: of the thread, for whoever looks at the process; 15 bytes.
  package init(_ configuration: PostgresConfiguration, name: String = "postgres", logger: Logger) {
    connection = PostgresConnection(configuration, executor: ThreadExecutor(name: name), logger: logger)
  }

  /// Runs the body in one transaction on the connection's thread. When this returns, the transaction is on disk; when
  /// it throws, nothing of it is, unless the error says that its outcome is unknown. Throws what the body throws, else
  /// a `PostgresError`. A task that is cancelled gives up before the commit and drops a connection that was busy then.
  package func transaction<Value: Sendable>(
    _ kind: PostgresTransaction, _ body: @escaping @Sendable (PostgresSession) throws -> Value
  ) async throws -> Value {
    guard !isClosed.load(ordering: .relaxed) else {
      throw PostgresError(.closed, "the postgres client was closed")
    }
    let sign = CancelSign()
    return try await withTaskCancellationHandler {
      try await connection.transact(kind, sign, body)
    } onCancel: {
      sign.raise()
    }
  }

  /// Refuses new calls, lets those already made end, then closes the connection. Idempotent. A client that is merely
  /// let go of does the same.
  package func close() async {
    isClosed.store(true, ordering: .relaxed)
    await connection.close()
  }
}
