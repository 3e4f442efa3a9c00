package import Billing
package import Catalog
package import Contracts

/// How things stand with the freeze.
package struct FreezeCard: Sendable, Encodable {
  /// What Redis has, which workers follow, against the ledger.
  package enum Copy: String, Sendable, Encodable { case agrees, differs, unknown }

  package struct Version: Sendable, Encodable {
    package let provider, task, model: String
    @OrNull package var version: String? = nil
  }

  package struct Change: Sendable, Encodable {
    package let at, state, by, reason: String
  }

  package let state: String
  @OrNull package var id: String? = nil
  @OrNull package var since: String? = nil
  /// How long it has lasted.
  @OrNull package var seconds: Double? = nil
  @OrNull package var by: String? = nil
  @OrNull package var reason: String? = nil
  /// Empty while the fleet is not frozen.
  package let versions: [Version]
  package let redis: Copy
  /// Newest first.
  package let changes: [Change]
  /// The same for people; not encoded.
  package let duration: String?

  private enum CodingKeys: String, CodingKey {
    case state, id, since, seconds, by, reason, versions, redis, changes
  }

  package init(_ freeze: Freeze?, changes: [FreezeChange], copy: Copy, now: Timestamp) {
    state = freeze == nil ? "off" : "on"
    id = freeze?.id
    since = freeze?.since.description
    seconds = freeze.map { Double(max(0, now.milliseconds - $0.since.milliseconds)) / 1000 }
    by = freeze?.by
    reason = freeze?.reason
    versions = (freeze?.models ?? []).map { listing in
      Version(
        provider: listing.provider, task: listing.task.rawValue, model: listing.model, version: listing.version)
    }
    redis = copy
    self.changes = changes.map {
      Change(at: $0.changedAt.description, state: $0.state.rawValue, by: $0.changedBy, reason: $0.reason)
    }
    duration = freeze?.since.words(until: now)
  }
}
