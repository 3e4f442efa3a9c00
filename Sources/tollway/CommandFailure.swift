import Admission
import AMQP
import Billing
import Contracts
import Foundation
import Operations
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
    return CommandFailure(exit, "\(error)", error.remedy)
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
    case let error as NotCopied: self = .halfDone(error)
    case let error as ActRefusal: self = .act(error)
    default: return nil
    }
  }
}

extension CommandFailure {
  private static func act(_ refusal: ActRefusal) -> CommandFailure {
    switch refusal {
    case .unknownProvider(let name, let known):
      CommandFailure(
        .failed, "the policy has no provider \(name.printable)", "one of \(known.joined(separator: ", "))")
    case .unknownTier(let name, let known):
      CommandFailure(.usage, "the policy has no tier \(name.printable)", "one of \(known.joined(separator: ", "))")
    }
  }

  /// The change is in the ledger, and Redis' copy of it is not.
  private static func halfDone(_ fault: NotCopied) -> CommandFailure {
    var failure = CommandFailure.redis(fault.cause)
    failure.happened = "the change is in the ledger, but workers cannot see it yet: \(failure.happened)"
    failure.remedy = "run the same command again when Redis answers"
    return failure
  }
}

enum StandardError {
  static func line(_ text: String) { write(text + "\n") }

  static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
