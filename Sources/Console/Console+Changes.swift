import Billing
package import Operations

extension Console {
  /// Everything that was changed by hand.
  /// - Parameter rows: the newest first; nil while the ledger cannot be read.
  package static func changes(_ rows: [ChangeRow]?, _ chrome: Chrome) -> String {
    Pages.page("changes", "Changes", at: "changes", chrome, changeFields(rows))
  }

  static func changeFields(_ rows: [ChangeRow]?) -> Fields {
    fields([
      "hasChanges": rows?.isEmpty == false,
      "changesRefusal": rows == nil ? "The ledger, which has them, cannot be read now." : nil,
      "changes": (rows ?? []).map { row in
        fields([
          "at": Clock.shown(row.at), "act": words(row.act), "target": row.target.isEmpty ? nil : row.target,
          "actor": row.by, "reason": row.reason, "surface": row.surface, "outcome": outcome(row),
          "difference": difference(row),
        ])
      },
    ])
  }

  private static func words(_ act: String) -> String {
    switch act {
    case "freeze.on": "froze models"
    case "freeze.off": "unfroze models"
    case "provider.hold": "took out"
    case "provider.release": "let in"
    case "dead.replay": "replayed dead jobs"
    case "blocked.release": "released blocked jobs"
    case "job.cancel": "cancelled"
    default: act
    }
  }

  private static func outcome(_ row: ChangeRow) -> String? {
    guard let done = row.done, let kept = row.kept else {
      return row.surface == nil ? nil : "under way, or its outcome is not known"
    }
    return kept == 0 ? "\(Figure.count(done)) done" : "\(Figure.count(done)) done, \(Figure.count(kept)) kept"
  }

  private static func difference(_ row: ChangeRow) -> String? {
    guard row.before != nil || row.after != nil else { return nil }
    return "\(words(row.before)) → \(words(row.after))"
  }

  private static func words(_ grant: AssignmentChange.Grant?) -> String {
    guard let grant else { return "nothing of its own" }
    let own = [
      grant.overrides.concurrency.map { "\($0) at once" },
      grant.overrides.monthlyUsd.map { "\(Figure.usd($0)) a month" },
    ].compactMap { $0 }
    let tier = grant.tier.map { "tier \($0)" } ?? "tier of the message"
    return ([tier] + own).joined(separator: ", ")
  }
}
