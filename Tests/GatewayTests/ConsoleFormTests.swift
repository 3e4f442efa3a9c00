import Admission
import Contracts
import Gateway
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ConsoleFormTests {
  private static let changes = ConsoleRoute.allCases.filter(\.isChange)

  private static func path(_ route: ConsoleRoute) -> String { route.path.replacing("{id}", with: "low") }

  /// Enough for any of the forms.
  private static let fields = [
    ("reason", "test"), ("state", "on"), ("name", "tollway"), ("kind", "dead"), ("id", "j1"), ("count", "1"),
  ]

  @Test func `nobody but an administrator changes anything, whatever the page offered`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.read])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        for route in Self.changes {
          #expect(try await browser.post(Self.path(route), Self.fields).status == 401, "\(route)")
        }
        try await browser.signIn(header)
        #expect(browser.token != nil)
        for route in Self.changes {
          let answer = try await browser.post(Self.path(route), Self.fields)
          #expect(answer.status == 403 && answer.text.contains("scope admin"), "\(route)")
        }
      }
    }
  }

  @Test func `a form without its token, or of another site, changes nothing`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.admin])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        try await browser.signIn(header)
        for route in Self.changes {
          let path = Self.path(route)
          for token in ["", "x"] {
            #expect(try await browser.post(path, Self.fields, token: token).status == 403, "\(route)")
          }
          for site in ["cross-site", "same-site", "none"] {
            let answer = try await browser.post(path, Self.fields, headers: ["Sec-Fetch-Site": site])
            #expect(answer.status == 403, "\(route) from \(site)")
          }
        }
        for route in Self.changes where route != .makePlan {
          let answer = try await browser.post(Self.path(route), Self.fields.filter { $0.0 != "reason" })
          #expect(answer.status == 422, "\(route) without a reason")
        }
      }
    }
  }

  @Test func `without keys pages of other sites are nobody, too`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        _ = try await browser.get("/console/freeze?state=on")
        _ = try await browser.get("/console")
        for route in Self.changes {
          let path = Self.path(route)
          #expect(try await browser.post(path, Self.fields, token: "x").status == 403, "\(route)")
          let foreign = try await browser.post(path, Self.fields, headers: ["Sec-Fetch-Site": "cross-site"])
          #expect(foreign.status == 403, "\(route)")
        }
      }
    }
  }

  @Test func `a form that is too large says how large one may be`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        _ = try await browser.get("/console/freeze")
        let answer = try await browser.post("/console/plans", [("id", String(repeating: "x", count: 300_000))])
        #expect(answer.status == 413 && answer.text.contains("262144 bytes"))
      }
    }
  }

  @Test func `a change that somebody else made meanwhile is not taken back unseen`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        func shown() async throws -> String {
          let page = try await browser.get("/console/users/ana")
          return String(try #require(page.text.firstMatch(of: /name="shown" value="([^"]*)"/)).1)
        }
        func set(_ concurrency: Int, over shown: String) async throws -> GatewayBench.Answer {
          try await browser.post(
            "/console/users/ana", [("concurrency", "\(concurrency)"), ("reason", "x"), ("shown", shown)])
        }
        func concurrency() async throws -> String? {
          let own = try await bench.send("/v1/admin/users/ana").json["assigned"]?["overrides"]
          return own?["concurrency"]?.integer.map { "\($0)" }
        }
        let nothing = try await shown()
        #expect(nothing.isEmpty)
        #expect(try await set(3, over: nothing).status == 303)
        let three = try await shown()
        #expect(
          try await bench.put("/v1/admin/users/ana", #"{"overrides":{"concurrency":7},"reason":"y"}"#).status == 200)
        for old in [nothing, three] {
          let refused = try await set(4, over: old)
          #expect(refused.status == 409 && refused.text.contains("changed meanwhile"))
          #expect(try await concurrency() == "7")
        }
        #expect(try await set(4, over: try await shown()).status == 303)
        #expect(try await concurrency() == "4")
        #expect(try await set(5, over: "yesterday").status == 422)
      }
    }
  }

  @Test func `going back to the policy takes back only what its page has shown`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        func form() async throws -> String? {
          let page = try await browser.get("/console/users/ana").text
          let form = page.firstMatch(of: /action="\/console\/users\/ana\/unset">.*name="shown" value="([^"]*)"/)
          return form.map { String($0.1) }
        }
        func takeBack(_ shown: String) async throws -> GatewayBench.Answer {
          try await browser.post("/console/users/ana/unset", [("reason", "x"), ("shown", shown)])
        }
        func lay(_ concurrency: Int) async throws {
          let body = #"{"overrides":{"concurrency":\#(concurrency)},"reason":"y"}"#
          #expect(try await bench.put("/v1/admin/users/ana", body).status == 200)
        }
        #expect(try await form() == nil)
        try await lay(7)
        let seven = try #require(try await form())
        try await lay(1)
        for old in [seven, ""] {
          let refused = try await takeBack(old)
          #expect(refused.status == 409 && refused.text.contains("changed meanwhile"))
          let row = try #require(try await bench.desk.entitlements(of: ["ana"])[0])
          #expect(try Entitlement(decoding: row).concurrency == 1)
        }
        #expect(try await takeBack("yesterday").status == 422)
        let one = try #require(try await form())
        for notice in ["unassigned", "asTier"] {
          let gone = try await takeBack(one)
          #expect(gone.status == 303 && gone.field("location")?.hasSuffix(notice) == true)
        }
        #expect(try await bench.desk.entitlements(of: ["ana"]) == [nil])
        #expect(
          try await bench.changes().map { String($0.prefix { $0 != " " }) } == [
            "user.unassign", "user.assign", "user.assign",
          ])
      }
    }
  }

  @Test func `every answer says where scripts, styles and forms may come from and go to`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        for route in ConsoleRoute.allCases where route != .events && route != .jobEvents {
          let path = Self.path(route)
          let answer = route.isForm ? try await browser.post(path) : try await browser.get(path)
          let policy = answer.field("content-security-policy") ?? ""
          #expect(policy.hasPrefix("default-src 'none'; script-src 'self';"), "\(route)")
          #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "\(route)")
          #expect(answer.field("x-content-type-options") == "nosniff", "\(route)")
          #expect(answer.field("referrer-policy") == "same-origin", "\(route)")
          let isAsset = route == .style || route == .script
          #expect(answer.field("cache-control")?.contains("no-store") == !isAsset, "\(route)")
          if !isAsset, answer.status != 303 {
            #expect(answer.field("content-type") == "text/html; charset=utf-8", "\(route) \(answer.status)")
          }
          #expect(answer.status != 500 && answer.status != 404 || path.contains("low"), "\(route) \(answer.status)")
        }
        for path in ["/console/nothing", "/console/plans"] {
          let missing = try await browser.get(path)
          #expect([404, 405].contains(missing.status) && missing.field("content-type")?.hasPrefix("text/html") == true)
        }
        #expect(try await browser.get("/consoles").field("content-type") == "application/problem+json")
      }
    }
  }
}
