import GRDB

/// What went wrong with the ledger's database. The message is for operators: it names the kind of failure and the
/// database's own words, never a statement's values.
package struct LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// Somebody else held the database for longer than the busy timeout.
    case busy
    case diskFull = "disk_full"
    /// Reading or writing the file failed, or it cannot be opened.
    case unavailable
    /// The task was cancelled; nothing of the batch was committed.
    case cancelled
    /// The file is damaged or is not a database.
    case corrupt
    /// The file was written by a newer version of this program.
    case newerSchema = "newer_schema"
    /// The tables are of an older version of this program, and whoever opened them does not change them.
    case olderSchema = "older_schema"
    /// There is no file, or there are no tables of ours in the database.
    case absent
    /// The address does not name a ledger that this program can open.
    case configuration
    /// The caller's values were refused.
    case refused
    /// Something else has to happen first.
    case tooEarly = "too_early"
    /// Anything that only a person can explain.
    case unexpected
  }

  /// What the caller does: try the same again later, or keep what it has and call a person.
  package enum Disposition: Sendable { case retry, permanent }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var disposition: Disposition {
    switch code {
    case .busy, .diskFull, .unavailable, .cancelled: .retry
    case .corrupt, .newerSchema, .olderSchema, .absent, .configuration, .refused, .tooEarly, .unexpected:
      .permanent
    }
  }

  package var description: String { "ledger \(code.rawValue): \(message)" }

  /// What to do about it.
  package var remedy: String {
    switch code {
    case .refused: "nothing was changed; --help says what is taken"
    case .tooEarly: "nothing was changed; ask again when that has happened"
    case .busy: "another process holds the ledger; try again"
    case .diskFull: "make room where the ledger lies"
    case .newerSchema: "use the newer version of tollway"
    case .olderSchema: "stop older billing processes; tollway billing or tollway ledger init brings them up to date"
    case .absent:
      "set TOLLWAY_LEDGER_URL to the one that tollway billing writes; tollway ledger init makes a new one there"
    default: "check TOLLWAY_LEDGER_URL: that the server runs, or that the file's directory can be written"
    }
  }
}

extension LedgerError {
  /// Sorts what the database library throws.
  init(_ error: any Error) {
    switch error {
    case let error as LedgerError: self = error
    case is CancellationError: self.init(.cancelled, "the task was cancelled")
    case let error as DatabaseError:
      self.init(Self.code(of: error.resultCode), error.message ?? "SQLite result \(error.extendedResultCode.rawValue)")
    default: self.init(.unexpected, "\(type(of: error))")
    }
  }

  private static func code(of result: ResultCode) -> Code {
    switch result {
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL: .busy
    case .SQLITE_FULL: .diskFull
    case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_READONLY, .SQLITE_INTERRUPT, .SQLITE_ABORT:
      .unavailable
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
    default: .unexpected
    }
  }
}

/// Runs database work and sorts whatever it throws, so that callers see one error type.
func ledgerErrors<Value>(_ work: () throws -> Value) throws(LedgerError) -> Value {
  do {
    return try work()
  } catch {
    throw LedgerError(error)
  }
}

func ledgerErrors<Value>(_ work: () async throws -> Value) async throws(LedgerError) -> Value {
  do {
    return try await work()
  } catch {
    throw LedgerError(error)
  }
}
