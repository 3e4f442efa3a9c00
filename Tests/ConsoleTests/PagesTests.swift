import Console
import Contracts
import Foundation
import Operations
import Testing

@Suite struct PagesTests {
  private static let evil = #"<b onclick="x">'&"#

  @Test func `what strangers chose is escaped on every page`() throws {
    for (name, html) in try Sample(evil: Self.evil).pages {
      #expect(!html.contains("<b onclick"), "\(name)")
      #expect(!html.contains(#""x">"#), "\(name)")
      #expect(name.hasSuffix("-none") || html.contains("&lt;b onclick=&quot;x&quot;&gt;&#39;&amp;"), "\(name)")
    }
  }

  @Test func `nothing on a page turns texts round or is not seen`() throws {
    for (name, html) in try Sample(evil: "\u{202E}\u{7}\u{200B}x").pages {
      #expect(
        html.unicodeScalars.allSatisfy { $0 == "\n" || ![.control, .format].contains($0.properties.generalCategory) },
        "\(name)")
      #expect(name.hasSuffix("-none") || html.contains("\u{FFFD}\u{FFFD}\u{FFFD}x"), "\(name)")
    }
    #expect(ConsoleCell(id: "x", text: "a\u{202E}b").text == "a\u{FFFD}b")
  }

  @Test func `no page has a style, a script or an address of its own`() throws {
    for (name, html) in try Sample().pages {
      for word in [" style=", " on[a-z]+=", "http://", "https://", "javascript:", "<style", "<iframe", "<img"] {
        #expect(html.range(of: word, options: .regularExpression) == nil, "\(name): \(word)")
      }
      #expect(html.components(separatedBy: "<script").count == 2, "\(name)")
      #expect(html.contains(#"<script src="\#(Console.jsPath)" defer></script>"#), "\(name)")
    }
  }

  @Test func `ids are there once`() throws {
    for (name, html) in try Sample(evil: Self.evil).pages {
      let ids = Self.values(of: "id", in: html)
      #expect(Set(ids).count == ids.count, "\(name): \(ids.filter { id in ids.count { $0 == id } > 1 })")
    }
  }

  @Test func `tags are closed in their order`() throws {
    for (name, html) in try Sample(evil: Self.evil).pages {
      #expect(Markup.fault(in: html) == nil, "\(name)")
    }
  }

  @Test func `every form that changes something has a token and goes to the console`() throws {
    var actions: Set<String> = []
    for (name, html) in try Sample().pages {
      for form in html.components(separatedBy: "<form").dropFirst() {
        let form = form.components(separatedBy: "</form>")[0]
        let action = try #require(Self.values(of: "action", in: form).first, "\(name)")
        #expect(action.hasPrefix("/console/"), "\(name)")
        guard form.contains(#"method="post""#) else {
          #expect(form.contains(#"method="get""#), "\(name)")
          continue
        }
        actions.insert(action)
        #expect(
          form.contains(#"<input type="hidden" name="token" value="t0ken">"#) || action == "/console/sign-in", "\(name)"
        )
      }
    }
    #expect(
      actions.isSuperset(of: [
        "/console/sign-in", "/console/sign-out", "/console/jobs/7F3K-Q2/cancel", "/console/plans", "/console/plans/p",
        "/console/providers/openai/release", "/console/users/u_8841", "/console/users/u_8841/unset", "/console/freeze",
      ]))
  }

  @Test func `whoever only reads is offered nothing to change`() throws {
    for (name, html) in try Sample(role: .read).pages where !["sign-in", "plan"].contains(name) {
      let forms = html.components(separatedBy: "<form").dropFirst().filter { $0.contains(#"method="post""#) }
      #expect(forms.allSatisfy { $0.contains("/console/sign-out") }, "\(name)")
      #expect(html.contains("with the scope <code>admin</code>"), "\(name)")
    }
  }

  @Test func `the plaza stays small`() throws {
    let html = Console.plaza(
      try Sample().fleet, Sample().verdict, history: Sample().trend, changes: Sample().changes, Sample().chrome)
    #expect(html.utf8.count <= 60_000, "\(html.utf8.count)")
  }

  @Test func `a job that has ended is neither followed nor cancelled`() throws {
    let (open, ended) = (
      Console.job(Sample().waitingJob, Sample().chrome), Console.job(Sample().deadJob, Sample().chrome)
    )
    #expect(open.contains(#"data-live="page /console/jobs/7F3K-Q2/events""#) && open.contains("Cancel the job"))
    #expect(!ended.contains("data-live") && !ended.contains("Cancel the job"))
  }

  @Test func `a job that may go out again has the way to its plan, for those who may act`() {
    let form = #"action="/console/plans""#
    #expect(Console.job(Sample().deadJob, Sample().chrome).contains(form))
    #expect(!Console.job(Sample().deadJob, Sample(role: .read).chrome).contains(form))
    #expect(!Console.job(Sample().waitingJob, Sample().chrome).contains(form))
  }

  @Test func `costs of attempts have a column where one is known`() {
    var job = Sample().deadJob
    #expect(Console.job(job, Sample().chrome).contains(">Cost</th>"))
    for index in job.attempts.indices { job.attempts[index].costUsd = nil }
    #expect(
      !Console.job(job, Sample().chrome).contains(#""Cost""#) && !Console.job(job, Sample().chrome).contains(">Cost<"))
  }

  @Test func `links lead to what they name whatever it is called`() {
    #expect(Console.link("users", "a b/ü?#") == "/console/users/a%20b%2F%C3%BC%3F%23")
    #expect(Console.link("jobs", "..") == "/console/jobs/%2E%2E")
    #expect(Console.link("jobs", "7.x:y@z-_~") == "/console/jobs/7.x%3Ay%40z-_~")
  }

  /// Writes the pages where somebody wants to look at them: `TOLLWAY_TEST_PAGES` names a folder.
  @Test func `the pages can be looked at`() throws {
    guard let folder = ProcessInfo.processInfo.environment["TOLLWAY_TEST_PAGES"] else { return }
    let place = URL(filePath: folder, directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try Data(Console.css).write(to: place.appending(path: "console.css"))
    try Data(Console.js).write(to: place.appending(path: "console.js"))
    for (name, html) in try Sample().pages {
      let local = html.replacing(Console.cssPath, with: "console.css").replacing(Console.jsPath, with: "console.js")
      try Data(local.utf8).write(to: place.appending(path: "\(name).html"))
    }
  }

  private static func values(of attribute: String, in html: String) -> [String] {
    html.components(separatedBy: " \(attribute)=\"").dropFirst().map { $0.components(separatedBy: "\"")[0] }
  }
}
