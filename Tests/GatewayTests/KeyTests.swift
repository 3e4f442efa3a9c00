import Admission
import Contracts
import Gateway
import Lanes
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct KeyTests {
  @Test func `without keys the local operator may do everything, if the name of the host is one of this machine`()
    async throws
  {
    try await GatewayBench.with { bench in
      #expect(try await bench.submit(echo()).status == 202)
      #expect(try await bench.submit(echo(), headers: ["Host": "localhost:8080"]).status == 202)
      let foreign = try await bench.submit(echo(), headers: ["Host": "tollway.example"])
      #expect(try foreign.status == 421 && foreign.problem == "misdirected")
      let page = try await bench.submit(echo(), headers: ["Origin": "https://tollway.example"])
      #expect(try page.status == 403 && page.problem == "forbidden")
    }
  }

  @Test func `without keys no other page of this machine is answered, and a page of ours says what it sends`()
    async throws
  {
    try await GatewayBench.with { bench in
      let json = ["Content-Type": "application/json"]
      for headers in [
        ["Origin": "http://localhost:3000"], ["Origin": "http://127.0.0.1"], ["Origin": "null"],
        ["Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": "same-site"],
        ["Sec-Fetch-Site": "cross-site"],
      ] {
        let answer = try await bench.submit(echo(), headers: headers.merging(json) { $1 })
        #expect(try answer.status == 403 && answer.problem == "forbidden", "\(headers)")
      }
      #expect(try await bench.submit(echo(), headers: ["Origin": bench.base]).status == 415)
      #expect(try await bench.submit(echo(), headers: ["Origin": bench.base].merging(json) { $1 }).status == 202)
      let ours = ["Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"].merging(json) { $1 }
      #expect(try await bench.submit(echo(), headers: ours).status == 202)
      // Somebody follows a link.
      #expect(try await bench.send("/console", headers: ["Sec-Fetch-Site": "cross-site"]).status == 200)
    }
  }

  @Test func `without keys nothing is answered that a proxy on this machine sends on`() async throws {
    try await GatewayBench.with { bench in
      let fields = [
        "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "fleet.example",
        "Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7", "Via": "1.1 proxy",
      ]
      for (name, value) in fields {
        let answer = try await bench.submit(echo(), headers: [name: value])
        #expect(answer.status == 403 && answer.text.contains("tollway keys create"), "\(name)")
        #expect(try await bench.send("/console", headers: [name: value]).status == 403, "\(name)")
        #expect(try await bench.send("/readyz", headers: [name: value]).status == 200, "\(name)")
      }
      let (_, header) = try await bench.key([.submit])
      try await waitUntil("a key is asked for") { try await bench.submit(echo()).status == 401 }
      #expect(try await bench.submit(echo(), headers: header.merging(fields) { $1 }).status == 202)
    }
  }

  @Test func `as soon as there is a key it is asked for, and a revoked one is refused within seconds`() async throws {
    try await GatewayBench.with { bench in
      let (key, header) = try await bench.key([.submit])
      try await waitUntil("a key is asked for") { try await bench.submit(echo()).status == 401 }
      let refused = try await bench.submit(echo())
      #expect(try refused.problem == "unauthorized")
      #expect(refused.field("www-authenticate") == "Bearer")
      #expect(try await bench.submit(echo(), headers: header).status == 202)
      #expect(try await bench.submit(echo(), headers: ["Authorization": "Basic eDp5"]).status == 401)
      let (_, forged) = APIKey.make(name: "forged", scopes: [.admin], users: .everybody)
      #expect(try await bench.submit(echo(), headers: ["Authorization": "Bearer \(forged)"]).status == 401)
      var revoked = key
      revoked.isRevoked = true
      try await bench.desk.storeKeys([revoked])
      try await waitUntil("the revoked key is refused") {
        try await bench.submit(echo(), headers: header).status == 401
      }
    }
  }

  @Test func `a key does what its scopes and its users allow, and no more`() async throws {
    try await GatewayBench.with { bench in
      let (_, reader) = try await bench.key([.read])
      let (_, studio) = try await bench.key([.submit, .read], "studio-*")
      let (_, admin) = try await bench.key([.admin])
      let lacking = try await bench.submit(echo(), headers: reader)
      #expect(try lacking.status == 403 && lacking.problem == "forbidden")
      #expect(try await bench.submit(echo(user: "studio-1"), headers: studio).status == 202)
      #expect(try await bench.submit(echo(user: "ana"), headers: studio).status == 403)
      #expect(try await bench.submit(echo(), headers: admin).status == 202)
      #expect(try await bench.send("/metrics", headers: reader).status == 200)
      #expect(try await bench.send("/metrics", headers: studio).status == 403)
      #expect(try await bench.send("/metrics").status == 401)
    }
  }

  @Test func `a key that Redis lost is not a fleet without keys`() async throws {
    try await GatewayBench.with { bench in
      let (_, header) = try await bench.key([.submit])
      try await waitUntil("the key is known") { try await bench.submit(echo()).status == 401 }
      _ = try await bench.redis.command(RedisCommand("DEL").arg(bench.desk.keys.apiKeys))
      try await waitUntil("what was read is forgotten") { try await bench.submit(echo()).status == 503 }
      #expect(try await bench.submit(echo(), headers: header).status == 503)
    }
  }

  @Test func `a gateway that never saw the keys that Redis lost lets nobody in until they are back`() async throws {
    try await GatewayBench.with { bench in
      try await bench.broker.noteKeys()
      let refused = try await bench.submit(echo())
      #expect(try refused.status == 503 && refused.problem == "unavailable")
      let (_, header) = try await bench.key([.submit])
      #expect(try await bench.submit(echo(), headers: header).status == 202)
      #expect(try await bench.submit(echo()).status == 401)
    }
  }

  @Test func `that there were no keys holds for one memory of Redis only`() async throws {
    try await GatewayBench.with { bench in
      #expect(try await bench.submit(echo()).status == 202)
      try await bench.broker.noteKeys()
      let epoch = try #require(try await bench.redis.command(RedisCommand("GET").arg(bench.desk.keys.epoch)).string)
      _ = try await bench.redis.command(RedisCommand("SET").arg(bench.desk.keys.epoch).arg(epoch + "1"))
      try await waitUntil("what was read is forgotten") { try await bench.submit(echo()).status == 503 }
    }
  }

  @Test func `where others can reach it a gateway does not start without keys`() async throws {
    let fault = await #expect(throws: GatewayServer.Fault.self) {
      try await GatewayBench.with(host: "0.0.0.0") { _ in }
    }
    #expect(fault?.isUsage == true && fault?.remedy.contains("tollway keys create") == true)
  }

  @Test func `an address that somebody has already is a fault with its remedy`() async throws {
    try await GatewayBench.with { first in
      let fault = await #expect(throws: GatewayServer.Fault.self) {
        try await GatewayBench.with(adjust: { $0.address = GatewayAddress(host: "127.0.0.1", port: first.port) }) { _ in
        }
      }
      #expect(fault?.isUsage == false && fault?.description.contains("127.0.0.1:\(first.port)") == true)
    }
  }

  @Test func `the same idempotency key of two senders names two jobs`() async throws {
    try await GatewayBench.with { bench in
      let (_, one) = try await bench.key([.submit])
      let (_, two) = try await bench.key([.submit])
      try await waitUntil("keys are asked for") { try await bench.submit(echo()).status == 401 }
      var ids: Set<String> = []
      for header in [one, two, one] {
        let answer = try await bench.submit(echo(), headers: header.merging(["Idempotency-Key": "k"]) { $1 })
        ids.insert(try #require(try answer.json["id"]?.string))
      }
      #expect(ids.count == 2)
    }
  }

  @Test(arguments: [
    ("127.0.0.1:8080", true), ("localhost:8080", true), ("[::1]:8080", true), ("127.9.9.9:1", true),
    ("0.0.0.0:8080", false), ("[::]:8080", false), ("127.example:80", false), ("127.0.0.1.example:80", false),
  ])
  func `only addresses of this machine are loopback`(_ text: String, _ isLoopback: Bool) throws {
    let address = try GatewayAddress(reading: text)
    #expect(address.isLoopback == isLoopback && address.description == text)
  }

  @Test(arguments: ["", "8080", ":8080", "host:", "host:65536", "host:x", "::1:80", "[]:80", "[host]:80"])
  func `what is no address is refused`(_ text: String) {
    #expect(throws: GatewayAddress.Fault.self) { try GatewayAddress(reading: text) }
  }
}
