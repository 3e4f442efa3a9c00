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
          "at": Clock.shown(row.at), "act": ChangeWords.act(row.act), "target": row.target.isEmpty ? nil : row.target,
          "actor": row.by, "reason": row.reason, "surface": row.surface, "outcome": outcome(row),
          "difference": ChangeWords.difference(row.before, row.after),
        ])
      },
    ])
  }

  private static func outcome(_ row: ChangeRow) -> String? {
    guard let done = row.done, let kept = row.kept else {
      return row.surface == nil ? nil : "under way, or its outcome is not known"
    }
    return kept == 0 ? "\(Figure.count(done)) done" : "\(Figure.count(done)) done, \(Figure.count(kept)) kept"
  }
}
