import AMQP
import Admission
import Billing
import Catalog
import Contracts
import Gateway
import Lanes
import Operations
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ConsolePlanTests {
  /// - Returns: the path of the plan.
  private static func plan(_ browser: ConsoleBrowser, _ ids: [String]) async throws -> String {
    _ = try await browser.get("/console/dead")
    let answer = try await browser.post("/console/plans", [("kind", "dead")] + ids.map { ("id", $0) })
    #expect(answer.status == 303, "\(answer.status)")
    let path = try #require(answer.field("location"))
    #expect(try await browser.get(path).status == 200)
    return path
  }

  @Test func `a plan replays what was chosen and nothing that came later, once`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        try await bench.bury(["one", "two", "three"])
        let path = try await Self.plan(browser, ["one", "two"])
        try await bench.bury(["two"], run: "r2")
        let done = try await browser.post(path, [("reason", "the provider is back")])
        #expect(done.status == 200, "\(done.text)")
        #expect(Set(try await bench.jobs(in: .low, 2).map(\.id)) == ["one", "two"])
        let left = try await bench.broker.withLetterBox(.dead) { try await $0.list(LetterFilter(), limit: 10).letters }
        #expect(Set(left.map { "\($0.id) \($0.run ?? "")" }) == ["three r1", "two r2"])
        let kept = try #require(try await bench.changes().first)
        #expect(kept.hasPrefix("dead.replay ") && kept.hasSuffix(" local the provider is back"), "\(kept)")
        #expect(kept.contains("one") && kept.contains("two") && !kept.contains("three"), "\(kept)")
        let again = try await browser.post(path, [("reason", "once more")])
        #expect(again.status == 409 && again.text.contains("used once"))
        #expect(try await bench.messages(in: .low) == 0)
      }
    }
  }

  @Test func `a plan says that the film of a scene is not made by it`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        try await bench.bury(["one", "st-a-3.s2.image", "st-b-3.video"])
        for (ids, isSaid) in [(["one", "st-a-3.s2.image"], true), (["one"], false), (["st-b-3.video"], false)] {
          let page = try await browser.get(try await Self.plan(browser, ids))
          #expect(page.text.contains("A story that failed stays failed") == isSaid, "\(ids)")
        }
      }
    }
  }

  @Test func `more than ten letters want their number typed`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        let ids = (1...11).map { "job-\($0)" }
        try await bench.bury(ids)
        let path = try await Self.plan(browser, ids)
        for count in ["", "10"] {
          #expect(try await browser.post(path, [("reason", "test"), ("count", count)]).status == 422)
        }
        #expect(try await browser.post(path, [("reason", "test"), ("count", "11")]).status == 200)
        #expect(Set(try await bench.jobs(in: .low, 11).map(\.id)) == Set(ids))
      }
    }
  }

  @Test func `a plan is for who made it, and for ten minutes`() async throws {
    try await GatewayBench.with { bench in
      let (_, one) = try await bench.key([.admin])
      let (_, two) = try await bench.key([.admin])
      try await bench.bury(["one"])
      try await ConsoleBrowser.with(bench) { browser in
        try await waitUntil("a key is asked for") { try await browser.get("/console").status == 401 }
        try await browser.signIn(one)
        let path = try await Self.plan(browser, ["one"])
        try await ConsoleBrowser.with(bench) { other in
          try await other.signIn(two)
          #expect(try await other.get(path).status == 403)
          #expect(try await other.post(path, [("reason", "mine now")]).status == 403)
        }
        let id = try #require(path.split(separator: "/").last)
        let key = "\(bench.desk.keys.prefix)plan:\(id)"
        let left = try #require(try await bench.redis.command(RedisCommand("PTTL").arg(key)).int)
        #expect((1...600_000).contains(left))
        _ = try await bench.redis.command(RedisCommand("DEL").arg(key))
        let late = try await browser.post(path, [("reason", "test")])
        #expect(late.status == 404 && late.text.contains("ten minutes"))
        #expect(try await bench.messages(in: .low) == 0)
      }
    }
  }

  @Test func `a plan of which nothing went out can be confirmed again`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        try await bench.bury(["one"])
        let path = try await Self.plan(browser, ["one"])
        try await bench.admin.queueDelete(bench.broker.topology.dead)
        #expect(try await browser.post(path, [("reason", "while the broker fails")]).status == 503)
        let topology = TopologyKeeper(topology: bench.broker.topology, admin: bench.admin)
        _ = try await topology.apply()
        #expect(try await browser.post(path, [("reason", "while the letter is away")]).status == 200)
        try await bench.bury(["one"])
        #expect(try await browser.post(path, [("reason", "now")]).status == 200)
        #expect(try await bench.jobs(in: .low, 1).map(\.id) == ["one"])
        #expect(try await browser.post(path, [("reason", "once more")]).status == 409)
      }
    }
  }

  @Test func `a plan that another gateway carries out meanwhile touches nothing`() async throws {
    try await GatewayBench.with { bench in
      try await bench.bury(["one"])
      let audit = Audit(in: try await bench.ledger.ledger()) { Issue.record($0) }
      let note = ActNote(by: "local", reason: "late", surface: .console)
      let policy = try PolicyFile.read(text: GatewayBench.policy).0
      await #expect(throws: CancellationError.self) {
        try await Letters(.dead, at: bench.broker).replay(
          .ids(["one"]), policy, note, audit, begin: { throw CancellationError() })
      }
      #expect(try await bench.messages(in: .low) == 0)
      #expect(try await bench.ledger.ledger().auditTrail(limit: 1)[0].outcome == Intervention.Outcome(done: 0, kept: 0))
      let left = try await bench.broker.withLetterBox(.dead) { try await $0.list(LetterFilter(), limit: 10).letters }
      #expect(left.map(\.id) == ["one"])
    }
  }

  @Test func `a single letter is found behind all that a plan of several looks at`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        try await bench.bury((1...5100).map { "job-\($0)" } + ["last"])
        // A page that looks at the letters would change their order.
        _ = try await browser.get("/console/freeze?state=on")
        let answer = try await browser.post("/console/plans", [("kind", "dead"), ("id", "last")])
        let path = try #require(answer.field("location"))
        #expect(try await browser.get(path).text.contains("last"))
      }
    }
  }

  @Test func `a plan wants something chosen`() async throws {
    try await GatewayBench.with { bench in
      try await ConsoleBrowser.with(bench) { browser in
        _ = try await browser.get("/console")
        _ = try await browser.get("/console/freeze?state=on")
        _ = try await browser.get("/console/dead")
        try await bench.bury(["one"])
        _ = try await browser.get("/console/dead")
        #expect(try await browser.post("/console/plans", [("kind", "dead")]).status == 422)
        #expect(try await browser.post("/console/plans", [("kind", "all"), ("id", "one")]).status == 422)
        #expect(try await browser.post("/console/plans", [("kind", "dead"), ("id", "two")]).status == 404)
      }
    }
  }
}
