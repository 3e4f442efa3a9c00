import Admission
import Billing
import Contracts
import Operations

// Acts of administrators in the terms of HTTP.

extension Problem {
  /// Why an act or a look failed. Names neither addresses nor values.
  init(acting error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as LedgerError where error.code == .refused: self.init(.invalidMessage, error.message)
    case let error as LedgerError:
      self.init(
        .unavailable, "the ledger cannot be used (\(error.code.rawValue)): \(error.remedy)", retryAfter: .seconds(2))
    case is NotCopied:
      self.init(
        .unavailable, "the change is in the ledger, but workers cannot see it yet: send it again when Redis answers",
        retryAfter: .seconds(1))
    case ActRefusal.unknownProvider(_, let known):
      self.init(.notFound, "the policy has no such provider; one of \(known.joined(separator: ", "))")
    case ActRefusal.unknownTier(_, let known):
      self.init(
        .invalidMessage, "tier: the policy has no such tier; one of \(known.joined(separator: ", "))", member: "tier")
    case is Turnstile.Crowded:
      self.init(.unavailable, "too many look at the letters just now", retryAfter: .seconds(5))
    case is CancellationError: self.init(.unavailable, "this gateway ends", retryAfter: .seconds(1))
    default:
      self.init(
        .unavailable, "Redis or the broker did not answer: look how things stand before it is asked for again",
        retryAfter: .seconds(1))
    }
  }
}

extension Principal {
  /// As audits name who did something.
  var actor: String { keyID.map { "key:\($0)" } ?? "local" }
}

extension GatewayContext {
  /// Who does what the request asks for.
  func note(reason: String, surface: ActNote.Surface) -> ActNote {
    guard let principal else { fatalError("Bug: an act of nobody") }
    return ActNote(by: principal.actor, reason: reason, surface: surface, requestID: requestID)
  }
}
