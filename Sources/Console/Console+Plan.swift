import Operations

extension Console {
  /// What a plan would do, with the form that does it.
  package static func plan(_ plan: PlanCard, refusal: String? = nil, _ chrome: Chrome) -> String {
    let what = Figure.count(plan.count, "\(plan.kind.rawValue) job")
    let title = "\(plan.kind == .dead ? "Replay" : "Release") \(what)"
    let body = fields([
      "refusal": refusal, "sentence": "\(title)?", "title": title, "count": Figure.count(plan.count),
      "users": Figure.count(plan.users, "user"), "madeAt": Clock.shown(plan.madeAt),
      "expiresAt": Clock.shown(plan.expiresAt), "mustCount": plan.count > PlanCard.mostUncounted,
      "then": plan.kind == .dead
        ? "Each becomes a new run, at today's prices, in the lane of its tier, and is charged to its user."
        : "Each is asked about again; those whose limit still stands come back here.",
      "failsStories": plan.kind == .dead && plan.hasScenes, "href": link("plans", plan.id),
      "back": link(plan.kind.rawValue), "samples": plan.samples.map(letterFields),
    ])
    return Pages.page("plan", title, at: plan.kind.rawValue, chrome, body)
  }

  /// What a plan did, and what it left alone and why.
  package static func planResult(_ result: PlanResult, _ chrome: Chrome) -> String {
    let verb = result.kind == .dead ? "replayed" : "released"
    let missing = result.report.missing.map { ($0, "it is not there any more: somebody else was faster") }
    let kept = result.report.rows.compactMap { row in row.kept.map { (row.id, $0) } } + missing
    let done = result.report.rows.filter { $0.kept == nil }
    let keptWords = kept.isEmpty ? "" : ", \(Figure.count(kept.count)) kept"
    let body = fields([
      "sentence": "\(Figure.count(result.report.done, "job")) \(verb)\(keptWords).",
      "severity": kept.isEmpty ? "calm" : result.report.done > 0 ? "warn" : "bad", "by": result.by,
      "at": Clock.shown(result.at), "reason": result.reason, "back": link(result.kind.rawValue),
      "backTitle": "\(result.kind.title) jobs", "hasDone": !done.isEmpty,
      "done": done.prefix(200).map { fields(["id": $0.id, "href": link("jobs", $0.id)]) },
      "hasKept": !kept.isEmpty,
      "kept": kept.prefix(200).map { fields(["id": $0.0, "href": link("jobs", $0.0), "why": $0.1]) },
    ])
    return Pages.page("result", "Done", at: result.kind.rawValue, chrome, body)
  }
}
