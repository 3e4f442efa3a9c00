package import Admission
package import Billing
package import Catalog
package import Contracts

/// What an administrator does and looks up, for commands and for the gateway: first the row in the ledger with its audit,
/// which is the truth, then the copy in Redis, which workers follow. An act that failed between the two throws `NotCopied`,
/// and is mended by doing it again. Cheap to make; safe to share.
package struct Acts: Sendable {
  let ledger: Ledger
  let desk: AdmissionDesk
  /// Read by those acts only that look at it: a policy file that is broken must not keep a freeze on.
  let policy: @Sendable () throws -> Policy
  let now: @Sendable () -> Timestamp

  package init(ledger: Ledger, desk: AdmissionDesk, policy: Policy, now: @escaping @Sendable () -> Timestamp) {
    self.init(ledger: ledger, desk: desk, reading: { policy }, now: now)
  }

  package init(
    ledger: Ledger, desk: AdmissionDesk, reading policy: @escaping @Sendable () throws -> Policy,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.ledger = ledger
    self.desk = desk
    self.policy = policy
    self.now = now
  }

  var interventions: Interventions { Interventions(in: ledger, desk: desk) }
  var assignments: Assignments { Assignments(in: ledger) }
}
