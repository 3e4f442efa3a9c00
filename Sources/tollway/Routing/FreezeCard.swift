import Billing
import Catalog
import Contracts

/// How things stand with the freeze.
struct FreezeCard: Encodable {
  /// What Redis has, which workers follow, against the ledger.
  enum Copy: String, Encodable { case agrees, differs, unknown }

  struct Version: Encodable {
    let provider, task, model: String
    @OrNull var version: String? = nil
  }

  struct Change: Encodable {
    let at, state, by, reason: String
  }

  let state: String
  @OrNull var id: String? = nil
  @OrNull var since: String? = nil
  /// How long it has lasted.
  @OrNull var seconds: Double? = nil
  @OrNull var by: String? = nil
  @OrNull var reason: String? = nil
  /// Empty while the fleet is not frozen.
  let versions: [Version]
  let redis: Copy
  /// Newest first.
  let changes: [Change]
  private let duration: String?

  private enum CodingKeys: String, CodingKey {
    case state, id, since, seconds, by, reason, versions, redis, changes
  }

  init(_ freeze: Freeze?, changes: [FreezeChange], copy: Copy, now: Timestamp) {
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

  func print() {
    for line in lines(.output) { Output.line(line) }
  }

  func lines(_ style: Style) -> [String] {
    var facts = Facts()
    facts.add(
      "freeze", duration.map { "\(state), for \($0), since \(since ?? "")" } ?? state, id == nil ? nil : .yellow)
    facts.add("by", by)
    if let reason, !reason.isEmpty { facts.add("reason", reason) }
    if id != nil { facts.add("versions", "\(versions.count) held") }
    switch redis {
    case .agrees: facts.add("workers", "follow: Redis has the same")
    case .differs: facts.add("workers", "Redis has it otherwise: tollway freeze \(state) again mends it", .red)
    case .unknown: facts.add("workers", "not known, Redis does not answer", .yellow)
    }
    var lines = facts.lines(style)
    if !versions.isEmpty {
      var table = Table(["PROVIDER", "TASK", "MODEL", "VERSION"])
      for held in versions {
        table.add("\(held.provider)", "\(held.task)", "\(held.model)", .init(held.version))
      }
      lines += [""] + table.lines(style)
    }
    if !changes.isEmpty {
      var table = Table(["CHANGED", "FREEZE", "BY", "REASON"])
      for change in changes { table.add("\(change.at)", "\(change.state)", "\(change.by)", "\(change.reason)") }
      lines += [""] + table.lines(style)
    }
    return lines
  }
}
