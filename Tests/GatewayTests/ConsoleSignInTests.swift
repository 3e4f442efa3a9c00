import Admission
import Contracts
import Gateway
import Lanes
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ConsoleSignInTests {
  @Test func `without keys the local operator is in, on this machine only`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        let plaza = try await browser.get("/console")
        #expect(plaza.status == 200 && plaza.field("content-type") == "text/html; charset=utf-8")
        let foreign = try await browser.get("/console", headers: ["Host": "tollway.example"])
        #expect(foreign.status == 421 && foreign.field("content-type")?.hasPrefix("text/html") == true)
      }
    }
  }

  @Test func `a key signs in, its session lives in a cookie, and signing out ends it`() async throws {
    try await GatewayBench.with { bench in
      let (key, header) = try await bench.key([.read])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        let door = try await browser.get("/console/jobs")
        #expect(door.status == 401 && door.text.contains("action=\"/console/sign-in\""))
        let answer = try await browser.signIn(header)
        #expect(answer.status == 303 && answer.field("location") == "/console")
        let field = try #require(answer.field("set-cookie"))
        for part in ["Path=/console", "Max-Age=43200", "HttpOnly", "SameSite=Lax"] { #expect(field.contains(part)) }
        #expect(!field.contains("Secure"))
        let plaza = try await browser.get("/console")
        #expect(plaza.status == 200 && plaza.text.contains(key.id))
        let stored = try await bench.redis.command(RedisCommand("KEYS").arg(bench.desk.keys.prefix + "session:*"))
        let names = (stored.array ?? []).compactMap(\.string)
        let token = try #require(browser.cookie).dropFirst("tollway_console=".count)
        #expect(names.count == 1 && !names.contains { $0.contains(token) })
        let cookie = browser.cookie
        #expect(try await browser.post("/console/sign-out").field("location") == "/console/sign-in")
        browser.steal(cookie)
        #expect(try await browser.get("/console").status == 401)
      }
    }
  }

  @Test func `anywhere else the cookie is for HTTPS alone`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.admin])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        let key = String((header["Authorization"] ?? "").dropFirst("Bearer ".count))
        let answer = try await browser.post("/console/sign-in", [("key", key)], headers: ["Host": "fleet.example"])
        #expect(answer.status == 303 && answer.field("set-cookie")?.contains("; Secure") == true)
      }
    }
  }

  @Test func `the cookie is for HTTPS alone behind a proxy that speaks it, whatever name that calls the gateway by`()
    async throws
  {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.admin])
      let key = String((header["Authorization"] ?? "").dropFirst("Bearer ".count))
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        for (headers, isSecure) in [
          (["X-Forwarded-Proto": "https"], true), (["Forwarded": "for=192.0.2.1;proto=https"], true),
          (["X-Forwarded-Proto": "http"], false),
        ] {
          let answer = try await browser.post("/console/sign-in", [("key", key)], headers: headers)
          #expect(answer.status == 303 && answer.field("set-cookie")?.contains("; Secure") == isSecure, "\(headers)")
        }
      }
    }
  }

  @Test func `the live console ends with the session and with the key`() async throws {
    try await GatewayBench.with(adjust: { $0.heartbeat = .milliseconds(300) }) { bench in
      let (key, header) = try await bench.key([.read])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        var revoked = key
        revoked.isRevoked = true
        for isRevoked in [false, true] {
          try await browser.signIn(header)
          let cookie = try #require(browser.cookie)
          var begin: ContinuousClock.Instant?
          _ = try await bench.follow("/console/events", headers: ["Cookie": cookie]) { text in
            guard begin == nil, text.contains("event: ") else { return false }
            if isRevoked {
              try await bench.desk.storeKeys([revoked])
            } else {
              _ = try await browser.post("/console/sign-out")
            }
            begin = .now
            return false
          }
          #expect(ContinuousClock.now - (try #require(begin)) < .seconds(8), "revoked: \(isRevoked)")
        }
      }
    }
  }

  @Test func `a revoked key ends its sessions`() async throws {
    try await GatewayBench.with { bench in
      let (key, header) = try await bench.key([.admin])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        try await browser.signIn(header)
        #expect(try await browser.get("/console/freeze?state=on").status != 401)
        var revoked = key
        revoked.isRevoked = true
        try await bench.desk.storeKeys([revoked])
        try await waitUntil("the session is over", within: .seconds(10)) {
          try await browser.get("/console").status == 401
        }
      }
    }
  }

  @Test func `only keys that may read everything are let in`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        for (scopes, users) in [([.submit], "*"), ([.read], "studio-*")] as [(Set<Scope>, String)] {
          let (_, header) = try await bench.key(scopes, users)
          let refused = try await browser.signIn(header)
          #expect(refused.status == 403 && refused.field("set-cookie") == nil)
          #expect(try await browser.get("/console", headers: header).status == 403)
        }
        let (_, reader) = try await bench.key([.read])
        #expect(try await browser.get("/console", headers: reader).status == 200)
      }
    }
  }

  @Test func `who tries keys is slowed down`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.read])
      try await ConsoleBrowser.with(bench) { browser in
        for _ in 0..<3 { #expect(try await browser.signIn(header).status == 303) }
        var statuses: [Int] = []
        for _ in 0..<11 { statuses.append(try await browser.signIn(["Authorization": "Bearer tw_x"]).status) }
        #expect(statuses == Array(repeating: 401, count: 10) + [429])
        let slowed = try await browser.signIn(["Authorization": "Bearer tw_x"])
        #expect(slowed.status == 429 && slowed.field("retry-after") != nil)
        // Behind a proxy that is everybody's address.
        #expect(try await browser.signIn(header).status == 303)
      }
    }
  }

  @Test func `the way back leads to the console only`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.read])
      let key = String((header["Authorization"] ?? "").dropFirst("Bearer ".count))
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        let ways = [
          "/console/jobs?find=a": "/console/jobs?find=a", "https://tollway.example/": "/console",
          "//tollway.example/console": "/console", "/consoles": "/console", "/console/\r\nX: y": "/console",
        ]
        for (wish, way) in ways {
          let answer = try await browser.post("/console/sign-in", [("key", key), ("next", wish)])
          #expect(answer.field("location") == way && answer.field("x") == nil)
        }
      }
    }
  }

  @Test func `another site cannot sign anybody in or out`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.read])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        try await browser.signIn(header)
        for path in ["/console/sign-in", "/console/sign-out"] {
          let answer = try await browser.post(path, headers: ["Sec-Fetch-Site": "cross-site"])
          #expect(answer.status == 403)
        }
        #expect(try await browser.post("/console/sign-out", token: "x").status == 403)
        #expect(try await browser.get("/console").status == 200)
      }
    }
  }
}
