import Testing

@testable import Redis

/// On servers of their own, because they flush the script cache.
@Suite(.enabled(if: PrivateRedis.isWanted)) struct LiveScriptTests {
  private let counting = RedisScript(name: "count", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")

  @Test func `a script the server does not know is sent once and then known by its digest`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let client = try server.client()
    let calls = [Int64(1), 10, 100].map { RedisScriptCall(counting, keys: ["n"]).arg($0) }
    #expect(try await client.run(calls).values == [.integer(1), .integer(11), .integer(111)])
    #expect(try await client.run(calls).values == [.integer(112), .integer(122), .integer(222)])
    #expect(try await evaluations(client) == ["eval": 3, "evalsha": 6])
    await client.close()
  }

  @Test func `after a flush only the calls that did nothing are sent again`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let client = try server.client()
    let other = RedisScript(name: "other", source: "return 'other'")
    _ = try await client.run([RedisScriptCall(counting, keys: ["n"]).arg(1)])
    for round in 2...4 {
      _ = try await client.command(RedisCommand("SCRIPT").arg("FLUSH"))
      _ = try await client.command(RedisCommand("SCRIPT").arg("LOAD").arg(other.source))
      let replies = try await client.run([
        RedisScriptCall(other, keys: []), RedisScriptCall(counting, keys: ["n"]).arg(1),
      ])
      #expect(replies.values == [.bytes(Array("other".utf8)), .integer(Int64(round))])
    }
    #expect(try await evaluations(client) == ["eval": 4, "evalsha": 7])
    await client.close()
  }

  @Test func `a script is told the run_id of the server it runs on`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let client = try server.client()
    let telling = RedisScript(name: "tell", source: "return {ARGV[1], ARGV[2], ARGV[3]}")
    let replies = try await client.run([RedisScriptCall(telling, keys: []).arg("a").argRunID().arg("c")])
    let info = try await client.command(RedisCommand("INFO").arg("server")).string
    #expect(info?.contains("run_id:\(replies.runID)\r\n") == true)
    #expect(replies.values[0].array?.map(\.string) == ["a", replies.runID, "c"])
    await client.close()
  }

  @Test func `an error raised by a script is its value`() async throws {
    let server = try PrivateRedis()
    defer { server.stop() }
    let client = try server.client()
    let failing = RedisScript(name: "fail", source: "return redis.error_reply('OOM made up')")
    let broken = RedisScript(name: "broken", source: "this is no Lua")
    let replies = try await client.run([
      RedisScriptCall(failing, keys: []), RedisScriptCall(broken, keys: []),
      RedisScriptCall(counting, keys: ["n"]).arg(1),
    ])
    #expect(replies.values[0].serverError?.serverCode == "OOM")
    #expect(replies.values[1].serverError?.disposition == .permanent)
    #expect(replies.values[2] == .integer(1))
    await client.close()
  }

  /// How often the server executed each of the two commands, by its own count.
  private func evaluations(_ client: RedisClient) async throws -> [String: Int] {
    let text = try await client.command(RedisCommand("INFO").arg("commandstats")).string ?? ""
    var counts: [String: Int] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      for name in ["eval", "evalsha"] where line.hasPrefix("cmdstat_\(name):calls=") {
        counts[name] = Int(line.drop { $0 != "=" }.dropFirst().prefix { $0 != "," })
      }
    }
    return counts
  }
}
