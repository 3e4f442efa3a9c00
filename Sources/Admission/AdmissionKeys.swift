package import Contracts

/// Every Redis key of the fleet. All keys of a namespace share one hash tag, so that they stay on one server; user ids
/// are base64url in keys, because a brace in one would move the slot.
package struct AdmissionKeys: Sendable, Hashable {
  private let prefix: String

  /// - Parameter namespace: as in `Topology`; empty for none.
  package init(namespace: String) {
    prefix = namespace.isEmpty ? "{tollway}:" : "\(namespace).{tollway.\(namespace)}:"
  }

  /// Which Redis process the leases live in, and since when it may grant.
  package var epoch: String { prefix + "epoch" }
  package func job(_ id: String) -> String { prefix + "job:" + id }
  package func output(_ id: String) -> String { prefix + "output:" + id }
  /// - Parameter user: base64url.
  package func leases(_ user: String) -> String { prefix + "leases:" + user }
  package func waiting(_ lane: Lane) -> String { prefix + "waiting:" + lane.rawValue }
  /// Hash: user (base64url) -> assigned tier and overrides; a copy of the ledger database's rows.
  package var entitlements: String { prefix + "entitlements" }
  /// Hash: worker -> its last report.
  package var workers: String { prefix + "workers" }
}
