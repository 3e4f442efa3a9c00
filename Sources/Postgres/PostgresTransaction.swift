/// How a transaction begins.
package enum PostgresTransaction: Sendable, Equatable {
  /// READ COMMITTED: each statement sees what others have committed before it.
  case write
  /// Reads only; all statements see the same moment.
  case snapshot
  /// As `write`, for changes of the tables: neither the server nor the client limits how long a statement takes or
  /// waits.
  case unhurried

  var opening: String {
    switch self {
    case .write: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    case .snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    case .unhurried:
      """
      BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
      SET LOCAL idle_in_transaction_session_timeout = 0
      """
    }
  }
}
