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
      "refusal": refusal, "sentence": sentence(wholes, models: board.rows.count - wholes.count),
      "differing": board.differing, "hasRows": !board.rows.isEmpty,
      "rows": board.rows.map { providerFields($0, calls[$0.provider]) },
    ])
    return Pages.page("providers", "Providers", at: "providers", chrome, live: "cells \(eventsPath)", body)
  }

  private static func sentence(_ rows: [ProviderBoard.Row], models: Int) -> String {
    let away = rows.filter { $0.state != .serving }
    let rest = models > 0 ? "; \(Figure.count(models, "model")) rest\(models == 1 ? "s" : "")" : ""
    if away.isEmpty { return rows.isEmpty ? "No providers" : "All \(rows.count) providers serve\(rest)" }
    return "\(rows.count - away.count) of \(rows.count) providers serve\(rest)"
  }

  private static func providerFields(_ row: ProviderBoard.Row, _ sample: ProviderSample?) -> Fields {
    let standing = ProviderStanding(row)
    let isWhole = row.model == nil
    let note = [row.by.map { "by \($0)" }, row.note].compactMap { $0 }.joined(separator: ": ")
    return fields([
      "provider": row.provider, "model": row.model,
      "kind": row.kind == row.provider ? nil : row.kind ?? "not in the policy", "standing": standing.words,
      "severity": standing.severity, "why": ProviderStanding.why(row.reason), "note": note.isEmpty ? nil : note,
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
        "title": "Let in", "href": link("providers", row.provider, "release"), "isBad": false,
        "says": "Jobs go to it again within a second.",
      ])
    case .resting, .probing:
      fields([
        "title": "Try now", "href": link("providers", row.provider, "release"), "isBad": false,
        "says": "Ends its rest before its time.",
      ])
    case .serving:
      fields([
        "title": "Take out", "href": link("providers", row.provider, "hold"), "isBad": true,
        "says": "New attempts go elsewhere until somebody lets it in. Those under way go on.",
      ])
    }
  }
}
