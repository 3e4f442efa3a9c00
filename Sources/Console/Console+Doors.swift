extension Console {
  /// For somebody without a session.
  /// - Parameters:
  ///   - refusal: why the last key was not taken.
  ///   - next: where to go afterwards, a path of the console.
  package static func signIn(fleet: String, refusal: String? = nil, next: String = path) -> String {
    Pages.bare("signin", "Sign in", fleet: fleet, fields(["refusal": refusal, "next": next]))
  }

  /// What went wrong, in the place of a page.
  /// - Parameters:
  ///   - chrome: nil for somebody without a session.
  ///   - act: what may help.
  package static func problem(title: String, detail: String, act: String? = nil, _ chrome: Chrome?) -> String {
    let body = fields([
      "refusal": nil, "severity": "bad", "title": title, "detail": detail, "act": act,
    ])
    guard let chrome else { return Pages.bare("problem", title, fleet: "", body) }
    return Pages.page("problem", title, at: nil, chrome, body)
  }

  /// Where a job or a user is looked for.
  /// - Parameters:
  ///   - query: what was looked for.
  ///   - refusal: why nothing is shown for it.
  package static func finder(query: String? = nil, refusal: String? = nil, _ chrome: Chrome) -> String {
    Pages.page("finder", "Jobs", at: "jobs", chrome, fields(["query": query ?? "", "refusal": refusal]))
  }
}
