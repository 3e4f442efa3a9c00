package import Operations

extension Console {
  /// Which providers serve, which do not and why.
  /// - Parameter samples: with the calls of the last minute; those that are not on the board are not shown.
  package static func providers(
    _ board: ProviderBoard, samples: [ProviderSample] = [], refusal: String? = nil, _ chrome: Chrome
  ) -> String {
    let calls = Dictionary(
      samples.filter { $0.row.model == nil }.map { ($0.row.provider, $0) }, uniquingKeysWith: { first, _ in first })
    let wholes = board.rows.filter { $0.model == nil }
    let body = fields([
      "refusal": refusal,
      "sentence": sentence(
        wholes, models: board.rows.count - wholes.count, called: calls.values.count { $0.callsPerMinute > 0 }),
      "differing": board.differing, "hasRows": !board.rows.isEmpty,
      "rows": board.rows.map { providerFields($0, calls[$0.provider]) },
    ])
    return Pages.page("providers", "Providers", at: "providers", chrome, live: "cells \(eventsPath)", body)
  }

  /// What is known: who does not serve, and who was called. Of one that was not called nobody knows.
  private static func sentence(_ rows: [ProviderBoard.Row], models: Int, called: Int) -> String {
    guard !rows.isEmpty else { return "No providers" }
    let away = rows.count { $0.state != .serving }
    let out =
      "\(away == 0 ? "None" : "\(away)") of \(Figure.count(rows.count, "provider")) \(away > 1 ? "rest or are held" : "rests or is held")"
    let rest = models > 0 ? ", \(Figure.count(models, "model")) rest\(models == 1 ? "s" : "")" : ""
    return
      "\(out)\(rest); \(called == 0 ? "none" : "\(called)") \(called > 1 ? "were" : "was") called in the last minute"
  }

  private static func providerFields(_ row: ProviderBoard.Row, _ sample: ProviderSample?) -> Fields {
    let standing = ProviderStanding(row, calls: sample?.callsPerMinute ?? 0)
    let isWhole = row.model == nil
    let note = [row.by.map { "by \($0)" }, row.note].compactMap { $0 }.joined(separator: ": ")
    return fields([
      "provider": row.provider, "model": row.model,
      "kind": row.kind == row.provider ? nil : row.kind ?? "not in the policy", "standing": standing.words,
      "severity": standing.severity, "why": row.cause?.words, "note": note.isEmpty ? nil : note,
      "since": Clock.shown(row.since), "next": row.until,
      "calls": isWhole ? sample.map { Figure.count($0.callsPerMinute) } : nil,
      "p50": isWhole ? sample?.p50.map { Figure.words($0) } : nil,
      "p95": isWhole ? sample?.p95.map { Figure.words($0) } : nil, "act": isWhole ? act(on: row) : nil,
    ])
  }

  private static func act(on row: ProviderBoard.Row) -> Fields? {
    switch row.state {
    case .held:
      fields([
        "title": "Release", "href": link("providers", row.provider, "release"), "isBad": false,
        "says": "Jobs go to it again within a second.",
      ])
    case .resting, .probing:
      fields([
        "title": "Release", "href": link("providers", row.provider, "release"), "isBad": false,
        "says": "Ends its rest before its time, and those of its models.",
      ])
    case .serving:
      fields([
        "title": "Hold", "href": link("providers", row.provider, "hold"), "isBad": true,
        "says": "New attempts go elsewhere until somebody releases it. Those under way go on.",
      ])
    }
  }
}
