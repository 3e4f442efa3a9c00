import TestKit
import Testing

@testable import Redis

/// Peers that break the protocol; loopback only, no Redis needed.
@Suite struct MisbehavingServerTests {
  private func withClient(
    _ answers: [ScriptedServer.Answer], deadline: Duration = .seconds(2), _ body: (RedisClient) async throws -> Void
  ) async throws {
    let server = try ScriptedServer(answers)
    var configuration = try RedisConfiguration(url: "redis://127.0.0.1:\(server.port)")
    configuration.commandDeadline = deadline
    let client = RedisClient(configuration, logger: RecordingLog().logger)
    try await body(client)
    await client.close()
    withExtendedLifetime(server) {}
  }

  @Test func `a connection that ends in the middle of a batch leaves the outcome unknown`() async throws {
    try await withClient([.send("+ONE\r\n"), .send("$5\r\nhal")]) { client in
      let first = try await client.command(RedisCommand("A"))
      #expect(first == .status("ONE"))
      let error = await client.failure(of: [RedisCommand("B")])
      #expect(error?.code == .connectionLost)
      #expect(error?.isOutcomeUnknown == true)
      #expect(error?.disposition == .reconnect)
      let afresh = try await client.command(RedisCommand("C"))
      #expect(afresh == .status("ONE"))
    }
  }

  @Test func `a reply nobody asked for is never taken for an answer`() async throws {
    try await withClient([.send("+ONE\r\n+STRAY\r\n"), .send("+TWO\r\n")]) { client in
      let error = await client.failure(of: [RedisCommand("A")])
      #expect(error?.code == .protocolViolation)
      #expect(error?.isOutcomeUnknown == true)
    }
  }

  @Test(arguments: ["?\r\n", "$-5\r\n", ":abc\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"])
  func `bytes that are no reply end the connection`(garbage: String) async throws {
    try await withClient([.send(garbage)]) { client in
      let error = await client.failure(of: [RedisCommand("A")])
      #expect(error?.code == .protocolViolation || error?.code == .connectionLost)
      #expect(error?.isOutcomeUnknown == true)
    }
  }

  @Test func `answers that drip do not stretch the deadline`() async throws {
    let slow = "$2000\r\n" + String(repeating: "x", count: 2000) + "\r\n"
    try await withClient([.drip(slow)], deadline: .milliseconds(500)) { client in
      let start = ContinuousClock.now
      let error = await client.failure(of: [RedisCommand("A")])
      #expect(error?.code == .deadlineExceeded)
      #expect(start.duration(to: .now) < .seconds(30))  // all bytes take forty
    }
  }

  @Test func `a server that stops reading cannot hold a large batch beyond the deadline`() async throws {
    let large = RedisCommand("A").arg([UInt8](repeating: 1, count: 32 << 20))
    try await withClient([.stall], deadline: .milliseconds(500)) { client in
      let error = await client.failure(of: [large])  // would be waited for without end
      #expect(error?.isOutcomeUnknown == true)
      #expect(error?.disposition == .reconnect)
    }
  }

  @Test func `a server that hangs up while a large batch is sent is an error, not a signal`() async throws {
    let large = RedisCommand("A").arg([UInt8](repeating: 1, count: 32 << 20))
    try await withClient([.send("")]) { client in
      let error = await client.failure(of: [large])
      #expect(error?.code == .connectionLost)
      #expect(error?.isOutcomeUnknown == true)
    }
  }

  @Test func `a client that is let go of without closing ends its connection`() async throws {
    let server = try ScriptedServer([.send("+ONE\r\n"), .send("")])
    let url = "redis://127.0.0.1:\(server.port)"
    // The peer serves one connection at a time: the second client is answered once the first is gone.
    for _ in 0..<2 {
      let client = RedisClient(try RedisConfiguration(url: url), logger: RecordingLog().logger)
      #expect(try await client.command(RedisCommand("A")) == .status("ONE"))
    }
    withExtendedLifetime(server) {}
  }
}
