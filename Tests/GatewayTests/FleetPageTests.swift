import Admission
import Contracts
import Gateway
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FleetPageTests {
  @Test func `a user's usage tells what is granted, used, reserved, running and waiting`() async throws {
    try await GatewayBench.with { bench in
      try await bench.desk.store(
        Entitlement(tier: "PRO", quotas: MonthlyQuotas(tokens: 500), rate: RateLimit(perMinute: 90)), of: "ana")
      let period = try await bench.desk.time().chargePeriod
      try await bench.desk.book([
        .init(userID: "ana", period: period, row: 1, spent: Spending(nanoUSD: 250_000_000, jobs: 3), eventIDs: [])
      ])
      _ = try await bench.start(try echoJob("a"), lane: .standard)
      let usage = try await bench.send("/v1/users/ana/usage")
      let json = try usage.json
      #expect(usage.status == 200 && json["user"]?.string == "ana" && json["tier"]?.string == "PRO")
      #expect(json["lane"]?.string == "standard" && json["mayClaimTier"]?.bool == false)
      #expect(json["period"]?.string == period && json["running"]?.integer == 1)
      #expect(json["used"]?["usd"]?.string == "0.250000000000" && json["used"]?["jobs"]?.integer == 3)
      #expect(json["reserved"]?["usd"]?.string == "0.000000000000" && json["waiting"]?.isObject == true)
      let limits = json["limits"]?.elements.map { limit in
        "\(limit["name"]?.string ?? "") \(limit["value"]?.string ?? "-") \(limit["origin"]?.string ?? "")"
      }
      #expect(
        limits == [
          "concurrency 5 tier", "monthlyUsd 1.000000000000 tier", "hardStop true tier", "tokens 500 override",
          "audio_seconds - tier", "video_minutes - tier", "jobs 10 tier", "rpm 90 override", "rps 5 tier",
          "burst 20 tier",
        ])
    }
  }

  @Test func `a user that the key is not for is not found, and overviews are for those who see everybody`()
    async throws
  {
    try await GatewayBench.with { bench in
      let (_, studio) = try await bench.key([.read], "studio-*")
      let (_, everybody) = try await bench.key([.read])
      let (_, sender) = try await bench.key([.submit])
      try await waitUntil("keys are asked for") { try await bench.send("/v1/lanes").status == 401 }
      #expect(try await bench.send("/v1/users/studio-1/usage", headers: studio).json["tier"]?.string == "FREE")
      #expect(try await bench.send("/v1/users/ana/usage", headers: studio).problem == "not-found")
      #expect(try await bench.send("/v1/users/ana/usage", headers: sender).problem == "forbidden")
      for path in ["/v1/lanes", "/v1/providers"] {
        #expect(try await bench.send(path, headers: everybody).status == 200)
        #expect(try await bench.send(path, headers: studio).status == 403)
        #expect(try await bench.send(path, headers: sender).status == 403)
      }
    }
  }

  @Test func `lanes and providers stand as the commands show them`() async throws {
    try await GatewayBench.with { bench in
      _ = try await bench.submit(echo("a"))
      try await bench.desk.hold("echo")
      try await waitUntil("the queue counts its message") {
        let lanes = try await bench.send("/v1/lanes").json["lanes"]?.elements ?? []
        return lanes.first { $0["lane"]?.string == "low" }?["ready"]?.integer == 1
      }
      let board = try await bench.send("/v1/lanes").json
      #expect(board["lanes"]?.elements.compactMap { $0["lane"]?.string } == Lane.allCases.map(\.rawValue))
      #expect(board["workers"]?.integer == 0 && board["notices"]?.elements.isEmpty == true)
      try await waitUntil("the verdict sees that nobody works") {
        try await bench.send("/v1/lanes").json["verdict"]?["state"]?.string == "stopped"
      }
      let verdict = try await bench.send("/v1/lanes").json["verdict"]
      #expect(verdict?["headline"]?.string?.isEmpty == false && verdict?["because"]?.isArray == true)
      try await waitUntil("the hold is seen") {
        try await bench.send("/v1/providers").json["providers"]?.elements.first?["state"]?.string == "held"
      }
    }
  }
}
