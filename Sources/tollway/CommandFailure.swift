import Admission
import AMQP
import Billing
import Foundation
import Redis

/// Why a command could not do what it was asked: one line what happened, one line what to do.
struct CommandFailure: Error {
  enum Exit: Int32 {
    case failed = 1
    case usage = 2
    /// A dependency is unreachable; the same command may work later (EX_TEMPFAIL of sysexits.h).
    case unreachable = 75
  }

  var exit: Exit
  var happened: String
  var remedy: String

  init(_ exit: Exit, _ happened: String, _ remedy: String) {
    self.exit = exit
    self.happened = happened
    self.remedy = remedy
  }

  /// After what was written to standard output before, also where both end in one pipe.
  func print() {
    Output.flush()
    StandardError.line("tollway: \(happened)")
    StandardError.line("  \(remedy)")
  }

  static func broker(_ error: AMQPError) -> CommandFailure {
    if error.code == .notFound {
      return CommandFailure(
        .failed, "RabbitMQ: \(error)", "tollway topology apply declares what is missing; check TOLLWAY_NAMESPACE too")
    }
    let remedy =
      switch error.code {
      case .accessRefused: "rabbitmqctl set_permissions grants what the message names; roles need '.*' '.*' '.*'"
      case .timeout: "rabbitmqctl list_alarms says what the broker lacks; tollway doctor says more"
      default: "check TOLLWAY_AMQP_URL and that the broker runs; tollway doctor says more"
      }
    return CommandFailure(error.disposition == .permanent ? .failed : .unreachable, "RabbitMQ: \(error)", remedy)
  }

  static func redis(_ error: AdmissionError) -> CommandFailure {
    CommandFailure(
      error.isPermanent ? .failed : .unreachable, "Redis: \(error)",
      "check TOLLWAY_REDIS_URL and that the server runs; tollway doctor says more")
  }

  static func redis(_ error: RedisError) -> CommandFailure {
    CommandFailure(
      error.disposition == .permanent ? .failed : .unreachable, "Redis: \(error)",
      "check TOLLWAY_REDIS_URL and that the server runs; tollway doctor says more")
  }

  static func ledger(_ error: LedgerError) -> CommandFailure {
    let exit: Exit =
      switch error.code {
      case .configuration, .refused: .usage
      case .busy, .unavailable: .unreachable
      default: .failed
      }
    let remedy =
      switch error.code {
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
    return CommandFailure(exit, "\(error)", remedy)
  }
}

extension CommandFailure {
  /// Sorts what the rooms throw; nil for what is not theirs.
  init?(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as AMQPError: self = .broker(error)
    case let error as AdmissionError: self = .redis(error)
    case let error as RedisError: self = .redis(error)
    case let error as LedgerError: self = .ledger(error)
    default: return nil
    }
  }
}

extension CommandFailure {
  /// Runs the second half of a change, whose first half is in the ledger: Redis' copy.
  static func aroundCopy(_ copy: () async throws -> Void) async throws {
    do {
      try await copy()
    } catch let error as AdmissionError {
      var failure = CommandFailure.redis(error)
      failure.happened = "the change is in the ledger, but workers cannot see it yet: \(failure.happened)"
      failure.remedy = "run the same command again when Redis answers"
      throw failure
    }
  }
}

enum StandardError {
  static func line(_ text: String) { write(text + "\n") }

  static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
