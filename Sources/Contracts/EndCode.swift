/// Why a run did not succeed: the `error.code` of a result event and the `x-tollway-reason` of a letter. The table
/// "How a run ends" of the contract, as code.
package enum EndCode: String, CaseIterable, Sendable {
  case callerError = "caller_error"
  case contentRefused = "content_refused"
  case deadlineExceeded = "deadline_exceeded"
  case parentFailed = "parent_failed"
  case cancelled
  case noRoute = "no_route"
  case providerFailed = "provider_failed"
  case attemptsExhausted = "attempts_exhausted"
  case poison
  case unknownTask = "unknown_task"
  case invalidMessage = "invalid_message"
  case idConflict = "id_conflict"
  case quotaExceeded = "quota_exceeded"
  case costCapReached = "cost_cap_reached"

  /// Where the message goes when a run ends with this code.
  package enum Resting: Sendable { case gone, dead, blocked }

  package var resting: Resting {
    switch self {
    case .callerError, .contentRefused, .deadlineExceeded, .parentFailed, .cancelled: .gone
    case .noRoute, .providerFailed, .attemptsExhausted, .poison, .unknownTask, .invalidMessage, .idConflict: .dead
    case .quotaExceeded, .costCapReached: .blocked
    }
  }

  /// Whether `tollway dead replay` may start a new run of such a letter.
  package var isReplayable: Bool {
    switch self {
    case .noRoute, .providerFailed, .attemptsExhausted, .poison, .unknownTask: true
    default: false
    }
  }

  package var status: RunStatus {
    switch self {
    case .cancelled: .cancelled
    case .quotaExceeded, .costCapReached: .blocked
    default: .failed
    }
  }
}

/// How a run ended, as result events say it.
package enum RunStatus: String, CaseIterable, Sendable {
  case succeeded, failed, blocked, cancelled
}
