import Admission
import Billing
import Contracts
import Gateway
import NIOHTTP1
import Operations
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct AdminPageTests {
  @Test func `a freeze reaches ledger and Redis, and ends`() async throws {
    try await GatewayBench.with { bench in
      let on = try await bench.put("/v1/admin/freeze", #"{"state":"on","reason":"launch day"}"#)
      #expect(try on.status == 200 && on.json["state"]?.string == "on" && on.json["redis"]?.string == "agrees")
      #expect(try on.json["by"]?.string == "local" && on.json["reason"]?.string == "launch day")
      #expect(try await bench.desk.freeze().id == on.json["id"]?.string)
      #expect(
        try await bench.put("/v1/admin/freeze", #"{"state":"on","reason":"again"}"#).json["reason"]?.string
          == "launch day")
      let off = try await bench.put("/v1/admin/freeze", #"{"state":"off","reason":"over"}"#)
      #expect(try off.status == 200 && off.json["state"]?.string == "off" && off.json["redis"]?.string == "agrees")
      #expect(try await bench.changes() == ["freeze.off  local over", "freeze.on  local launch day"])
    }
  }

  @Test func `a provider is held and let in again`() async throws {
    try await GatewayBench.with { bench in
      let held = try await bench.post("/v1/admin/providers/echo/hold", #"{"reason":"slow"}"#)
      #expect(try held.status == 200 && held.json["state"]?.string == "held" && held.json["changed"]?.bool == true)
      #expect(try await bench.desk.breakers().1["echo"]?.reason == .hand)
      #expect(try await bench.post("/v1/admin/providers/echo/hold", #"{"reason":"x"}"#).json["changed"]?.bool == false)
      let free = try await bench.post("/v1/admin/providers/echo/release", #"{"reason":"fast again"}"#)
      #expect(try free.status == 200 && free.json["changed"]?.bool == true)
      #expect(try await bench.desk.breakers().1.isEmpty)
      let unknown = try await bench.post("/v1/admin/providers/none/hold", #"{"reason":"x"}"#)
      #expect(try unknown.status == 404 && unknown.problem == "not-found")
      #expect(
        try await bench.changes() == ["provider.release echo local fast again", "provider.hold echo local slow"])
    }
  }

  @Test func `what is laid down for a user counts, is shown, and is taken back`() async throws {
    try await GatewayBench.with { bench in
      let body =
        #"{"tier":"PRO","overrides":{"concurrency":7,"monthlyUsd":"2.50","quotas":{"tokens":9}},"reason":"pilot"}"#
      let laid = try await bench.put("/v1/admin/users/ana", body)
      #expect(try laid.status == 200 && laid.json["tier"]?.string == "PRO" && laid.json["changedBy"]?.string == "local")
      let row = try #require(try await bench.desk.entitlements(of: ["ana"])[0])
      let entitlement = try Entitlement(decoding: row)
      #expect(entitlement.tier == "PRO" && entitlement.concurrency == 7 && entitlement.quotas.tokens == 9)
      let card = try await bench.send("/v1/admin/users/ana").json
      #expect(
        card["tier"]?.string == "PRO" && card["assigned"]?["overrides"]?["monthlyUsd"]?.string == "2.500000000000")
      #expect(card["changes"]?.elements.count == 1 && card["standing"]?.isObject == true)
      let page = try await bench.send("/v1/admin/users?limit=1").json
      #expect(page["users"]?.elements.map { $0["user"]?.string } == ["ana"] && page["isAll"]?.bool == true)
      #expect(try await bench.send("/v1/admin/users?after=ana").json["users"]?.elements.isEmpty == true)
      for changed in [true, false] {
        let gone = try await bench.send("/v1/admin/users/ana", method: .DELETE, #"{"reason":"over"}"#)
        #expect(try gone.status == 200 && gone.json["changed"]?.bool == changed)
      }
      #expect(try await bench.desk.entitlements(of: ["ana"]) == [nil])
      #expect(try await bench.changes() == ["user.unassign ana local over", "user.assign ana local pilot"])
      let last = try await bench.send("/v1/admin/changes?limit=1").json["changes"]?.elements ?? []
      #expect(last.count == 1 && last[0]["before"]?["tier"]?.string == "PRO" && last[0]["after"] == nil)
    }
  }

  @Test func `letters are listed without their texts, and a replay is kept with what came of it`() async throws {
    try await GatewayBench.with { bench in
      for id in ["a", "b"] { try await bench.letter(id, .providerFailed) }
      try await bench.letter("c", .invalidMessage, user: "ben")
      let all = try await bench.send("/v1/admin/dead")
      #expect(try all.json["letters"]?.elements.count == 3 && all.json["isAll"]?.bool == true)
      #expect(!all.text.contains("secret") && !all.text.contains("payload"))
      let bens = try await bench.send("/v1/admin/dead?user=ben&limit=5").json["letters"]?.elements ?? []
      #expect(bens.map { $0["reason"]?.string } == ["invalid_message"])
      #expect(try await bench.send("/v1/admin/dead?limit=1").json["isAll"]?.bool == false)
      #expect(try await bench.send("/v1/admin/dead/a").json["letters"]?.elements.count == 1)
      #expect(try await bench.send("/v1/admin/dead/none").problem == "not-found")
      let report = try await bench.post(
        "/v1/admin/dead/replay", #"{"ids":["a","c","none"],"reason":"mended"}"#, headers: ["X-Request-Id": "r-7"]
      ).json
      #expect(report["done"]?.integer == 1 && report["kept"]?.integer == 1)
      #expect(report["missing"]?.elements.map(\.string) == ["none"])
      #expect(try await bench.take(from: .low)?.body == echo("a"))
      let entry = try await bench.ledger.ledger().auditTrail(limit: 10)
      #expect(entry.map(\.act) == ["dead.replay"] && entry[0].target == "a c none" && entry[0].requestID == "r-7")
      #expect(entry[0].surface == "api" && entry[0].outcome == Intervention.Outcome(done: 1, kept: 1))
    }
  }

  @Test func `a blocked job is released`() async throws {
    try await GatewayBench.with { bench in
      try await bench.letter("a", .costCapReached)
      #expect(try await bench.send("/v1/admin/blocked").json["letters"]?.elements.count == 1)
      #expect(try await bench.send("/v1/admin/blocked/a").json["letters"]?.elements.count == 1)
      let report = try await bench.post("/v1/admin/blocked/release", #"{"ids":["a"],"reason":"raised"}"#)
      #expect(try report.status == 200 && report.json["done"]?.integer == 1)
      #expect(try await bench.changes() == ["blocked.release a local raised"])
    }
  }

  @Test func `the report has exact sums, alerts say what is the matter`() async throws {
    try await GatewayBench.with { bench in
      let report = try await bench.send("/v1/admin/report?by=day&from=2026-11-01&to=2026-12-01").json
      #expect(report["by"]?.string == "day" && report["total"]?["costUsd"]?.string == "0.000000000000")
      #expect(report["from"]?.string == "2026-11-01T00:00:00.000Z" && report["isAll"]?.bool == true)
      let condition = Condition(Condition.Key(.deadLetters, .fleet), since: Timestamp(milliseconds: 1_790_000_000_000))
      _ = try await bench.ledger.ledger().raise(condition, nil)
      let alerts = try await bench.send("/v1/admin/alerts").json
      #expect(alerts["open"]?.elements.map { $0["kind"]?.string } == ["dead_letters"])
      #expect(alerts["alerts"]?.elements.first?["action"]?.string == "tollway dead list")
      try await bench.ledger.ledger().recover(condition.key)
      let after = try await bench.send("/v1/admin/alerts").json
      #expect(after["open"]?.elements.isEmpty == true)
      #expect(after["alerts"]?.elements.map { $0["state"]?.string } == ["recovered", "raised"])
    }
  }

  @Test func `a query that asks for too much or for nonsense is refused`() async throws {
    try await GatewayBench.with { bench in
      for path in [
        "users?limit=0", "dead?limit=501", "changes?limit=x", "report?by=week", "report?from=yesterday",
        "report?from=2024-01-01&to=2026-01-01", "report?from=2026-02-01&to=2026-01-01",
      ] {
        let answer = try await bench.send("/v1/admin/\(path)")
        #expect(try answer.status == 400 && answer.problem == "bad-request", "\(path)")
      }
    }
  }
}
