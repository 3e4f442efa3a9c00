package import Contracts

/// The Redis keys of the fleet. All keys of a namespace share one hash tag, so that they stay on one server; the scripts
/// build theirs from the prefix (see `Scripts/prelude.lua`), what plain commands use stands here. User ids are base64url
/// in keys, because a brace in one would move the slot.
package struct AdmissionKeys: Sendable, Hashable {
  /// What every key begins with.
  package let prefix: String

  /// - Parameter namespace: as in `Topology`; empty for none.
  package init(namespace: String) {
    prefix = namespace.isEmpty ? "{tollway}:" : "\(namespace).{tollway.\(namespace)}:"
  }

  /// Which memory of Redis the leases live in, and since when it may grant.
  package var epoch: String { prefix + "epoch" }
  /// The epoch for which billing has said what was spent.
  package var moneyReady: String { prefix + "money_ready" }
  /// The epoch for which the bays were looked at, and who is looking.
  package var surveyed: String { prefix + "surveyed" }
  package var surveyor: String { prefix + "surveyor" }
  /// Who looks for messages in bays that nobody has.
  package var sweeper: String { prefix + "sweeper" }
  /// Who publishes the marker of an epoch.
  package var marker: String { prefix + "marker" }
  /// Hash: bay -> generation and owner; set: bays that nobody has.
  package var bays: String { prefix + "bays" }
  package var freeBays: String { prefix + "free" }
  /// Hash: `<lane>:<reason>` -> waiting jobs.
  package var waits: String { prefix + "waits" }
  /// Hash: user (base64url) -> assigned tier and overrides; a copy of the ledger database's rows.
  package var entitlements: String { prefix + "entitlements" }
  /// Hash: provider or provider/model that does not serve -> why and until when.
  package var breakers: String { prefix + "breakers" }
  /// What the freeze in force holds.
  package var freeze: String { prefix + "freeze" }
  /// Hash: worker -> its last report.
  package var workers: String { prefix + "workers" }
  /// Hash: id of an API key -> what it may do and the hash of its secret; a copy of the ledger database's rows.
  package var apiKeys: String { prefix + "keys" }

  package func job(_ id: String) -> String { prefix + "job:" + id }
  /// Hash: what billing knows of a job that others wait for: its user (base64url), task type and output.
  func parent(_ job: String) -> String { prefix + "parent:" + job }
  /// Set: leases of a worker whose runs are to end, each with a blank and a note behind it.
  func cancels(_ worker: String) -> String { prefix + "cancels:" + worker }
  package func output(_ job: String) -> String { prefix + "output:" + job }
  // The following take users in base64url.
  package func leases(_ user: String) -> String { prefix + "leases:" + user }
  package func user(_ user: String) -> String { prefix + "user:" + user }
  package func money(_ user: String) -> String { prefix + "money:" + user }
  package func open(_ user: String) -> String { prefix + "open:" + user }
  package func room(_ lane: Lane, _ user: String) -> String { prefix + "room:\(lane.rawValue):" + user }
  package func due(_ lane: Lane) -> String { prefix + "due:" + lane.rawValue }
}
