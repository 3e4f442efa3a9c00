import Contracts
import Mustache

/// The templates, read once.
enum Pages {
  /// In the order of the head's navigation; the last is where `g` and the letter go.
  private static let doors: [(name: String, title: String, key: String?)] = [
    ("", "Plaza", "p"), ("jobs", "Jobs", "j"), ("providers", "Providers", "r"), ("dead", "Dead", "d"),
    ("blocked", "Blocked", "b"), ("money", "Money", "m"), ("alerts", "Alerts", nil), ("freeze", "Freeze", nil),
    ("changes", "Changes", "c"),
  ]

  /// Every text on the page is `printable`, whoever wrote it; ends of lines stay, which are spaces to a browser.
  static func render(_ template: String, _ page: Fields) -> String {
    guard let text = library.render(printable(page), withTemplate: template) else {
      fatalError("Bug: no template \(template)")
    }
    return text
  }

  /// - Parameters:
  ///   - door: of the navigation; nil where the page is behind none.
  ///   - live: what `data-live` says: how the page is kept up to date, and by which stream.
  static func page(
    _ template: String, _ title: String, at door: String?, _ chrome: Chrome, live: String? = nil, _ body: Fields
  ) -> String {
    let links = doors.map { name, title, key in
      fields([
        "href": name.isEmpty ? Console.path : Console.link(name), "name": title, "key": key, "isHere": name == door,
      ])
    }
    let page = fields([
      "title": title, "css": Console.cssPath, "js": Console.jsPath, "fleet": chrome.fleet, "who": who(chrome),
      "mayAct": chrome.mayAct, "token": chrome.token, "time": Clock.shown(chrome.time),
      "interventions": chrome.interventions > 0
        ? "\(chrome.interventions) intervention\(chrome.interventions == 1 ? "" : "s")" : nil,
      "pageNotice": chrome.notice, "links": links, "live": live, "isSignedIn": true,
      "maySignOut": chrome.role != .local,
    ])
    return render(template, page.merging(body) { _, own in own })
  }

  /// A page for somebody who is not signed in.
  static func bare(_ template: String, _ title: String, fleet: String, _ body: Fields) -> String {
    let page = fields([
      "title": title, "css": Console.cssPath, "js": Console.jsPath, "fleet": fleet, "isSignedIn": false,
    ])
    return render(template, page.merging(body) { _, own in own })
  }

  private static func who(_ chrome: Chrome) -> String {
    chrome.role == .local ? "local operator" : "\(chrome.actor) · \(chrome.role.rawValue)"
  }

  private static func printable(_ value: Any) -> Any {
    switch value {
    case let text as String:
      text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    case let page as Fields: page.mapValues(printable)
    case let list as [Any]: list.map(printable)
    default: value
    }
  }

  private static let library = MustacheLibrary(templates: sources.mapValues(parsed))

  /// Without the newline at its end, which would become a space in the middle of a sentence.
  private static func text(_ source: [UInt8]) -> String {
    var text = String(decoding: source, as: UTF8.self)
    if text.last == "\n" { text.removeLast() }
    return text
  }

  private static func parsed(_ source: [UInt8]) -> MustacheTemplate {
    do {
      return try MustacheTemplate(string: text(source))
    } catch {
      fatalError("Bug: a template cannot be read: \(error)")
    }
  }

  private static let sources: [String: [UInt8]] = [
    "alerts": PackageResources.alerts_mustache,
    "cell": PackageResources.cell_mustache,
    "changerows": PackageResources.changerows_mustache,
    "changes": PackageResources.changes_mustache,
    "finder": PackageResources.finder_mustache,
    "findform": PackageResources.findform_mustache,
    "freeze": PackageResources.freeze_mustache,
    "job": PackageResources.job_mustache,
    "lane": PackageResources.lane_mustache,
    "layout": PackageResources.layout_mustache,
    "letters": PackageResources.letters_mustache,
    "moment": PackageResources.moment_mustache,
    "money": PackageResources.money_mustache,
    "plan": PackageResources.plan_mustache,
    "plaza": PackageResources.plaza_mustache,
    "problem": PackageResources.problem_mustache,
    "providers": PackageResources.providers_mustache,
    "reasons": PackageResources.reasons_mustache,
    "result": PackageResources.result_mustache,
    "signin": PackageResources.signin_mustache,
    "token": PackageResources.token_mustache,
    "user": PackageResources.user_mustache,
    "verdict": PackageResources.verdict_mustache,
    "waiters": PackageResources.waiters_mustache,
    "when": PackageResources.when_mustache,
  ]
}
