import Contracts
import Operations

extension Console {
  private static let mostListed = 50

  /// Dead or blocked jobs: in groups that have one cause, and the oldest one by one.
  package static func letters(_ page: LettersPage, refusal: String? = nil, _ chrome: Chrome) -> String {
    let groups = LetterGroup.all(of: page.letters)
    let listed = page.letters.prefix(mostListed)
    let filters = [
      page.reason.map { "with the reason \($0)" }, page.user.map { "of user \($0)" },
    ].compactMap { $0 }
    let body = fields([
      "refusal": refusal, "kind": page.kind.rawValue, "verb": page.kind.verb, "self": link(page.kind.rawValue),
      "filterReason": page.reason, "filterUser": page.user,
      "sentence": sentence(page, groups), "lead": lead(page.kind), "isAll": page.isAll,
      "read": Figure.count(page.letters.count), "listed": Figure.count(listed.count),
      "hasFilter": !filters.isEmpty, "filterWords": filters.joined(separator: " and "),
      "hasLetters": !page.letters.isEmpty, "empty": empty(page, isFiltered: !filters.isEmpty),
      "groups": groups.prefix(mostListed).map { group in
        fields([
          "reason": group.reason, "reasonHref": "\(link(page.kind.rawValue))?reason=\(encoded(group.reason))",
          "task": group.task, "shape": group.shape, "key": group.key, "count": Figure.count(group.count),
          "users": Figure.count(group.userCount), "first": Clock.shown(group.first), "last": Clock.shown(group.last),
          "mayReplay": group.isReplayable,
        ])
      },
      "letters": listed.map(letterFields),
    ])
    return Pages.page("letters", page.kind.title, at: page.kind.rawValue, chrome, body)
  }

  static func letterFields(_ letter: LetterRow) -> Fields {
    fields([
      "id": letter.id, "href": link("jobs", letter.id), "task": letter.task ?? "no task", "tier": letter.tier,
      "user": letter.user, "userHref": letter.user.map { link("users", $0) }, "reason": letter.reason,
      "detail": String(letter.detail.prefix(300)), "attempts": Figure.count(letter.attempts),
      "first": Clock.shown(letter.firstSeen),
      "mayReplay": !letter.id.hasPrefix("body:")
        && EndCode(rawValue: letter.reason).map { $0.isReplayable || $0.resting == .blocked } ?? false,
    ])
  }

  private static func sentence(_ page: LettersPage, _ groups: [LetterGroup]) -> String {
    guard !page.letters.isEmpty else { return "No \(page.kind.rawValue) jobs" }
    let more = page.isAll ? "" : "more than "
    let count = Figure.count(page.letters.count, "\(page.kind.rawValue) job")
    return "\(more)\(count) in \(Figure.count(groups.count, "group"))".capitalizedFirst
  }

  private static func lead(_ kind: LettersPage.Kind) -> String {
    switch kind {
    case .dead:
      "What failed for good, kept whole. Mend the cause first; a replay is a new run and is charged anew. Payloads are "
        + "not shown here."
    case .blocked:
      "What reached a cap or a quota. They go on by themselves when the month turns; after raising a limit, release them."
    }
  }

  private static func empty(_ page: LettersPage, isFiltered: Bool) -> String {
    if isFiltered { return "None is like that. Without the filter there may be some." }
    return page.kind == .dead
      ? "Nothing has failed for good, or all of it was replayed." : "No job waits for a limit to be raised."
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
