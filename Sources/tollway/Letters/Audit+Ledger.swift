import Billing
import Operations

extension Audit {
  /// Of a command that can do without a ledger: where there is none, the act is done all the same, and that is to be said
  /// afterwards.
  static func found(_ settings: Settings) async -> (audit: Audit, fault: (any Error)?) {
    do {
      let ledger = try Ledger.openExisting(settings)
      try await ledger.reach()
      return (Audit(inAny: ledger, tell: { say($0) }), nil)
    } catch {
      return (Audit(inAny: nil, tell: { say($0) }), error)
    }
  }

  static func say(_ fault: any Error) {
    StandardError.line("tollway: this is not kept in the ledger's audit: \(fault)")
  }
}
