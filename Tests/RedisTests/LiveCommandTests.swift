import TestKit
import Testing

@testable import Redis

/// On the Redis named for tests, under keys of each test's own.
@Suite(.enabled(if: PrivateRedis.isWanted)) struct LiveCommandTests {
  private func withClient(_ body: (RedisClient, _ key: String) async throws -> Void) async throws {
    let client = RedisClient(
      try RedisConfiguration(url: #require(PrivateRedis.testURL)), logger: RecordingLog().logger)
    let key = "redis-tests:\(UInt64.random(in: 0 ... .max))"
    do {
      try await body(client, key)
    } catch {
      _ = try await client.command(RedisCommand("DEL").arg(key))
      await client.close()
      throw error
    }
    _ = try await client.command(RedisCommand("DEL").arg(key))
    await client.close()
  }

  @Test func `any bytes come back as they were sent`() async throws {
    try await withClient { client, key in
      let everyByte = (0..<1024).map { UInt8(truncatingIfNeeded: $0) } + Array("\r\n$5\r\n*1\r\n".utf8)
      _ = try await client.command(RedisCommand("SET").arg(key).arg(everyByte))
      #expect(try await client.command(RedisCommand("GET").arg(key)) == .bytes(everyByte))
    }
  }

  @Test func `a thousand commands are answered in order in one pipeline`() async throws {
    try await withClient { client, key in
      let commands = (0..<1000).map { RedisCommand("HINCRBY").arg(key).arg("n").arg(Int64($0 % 2)) }
      let values = try await client.pipeline(commands)
      var total: Int64 = 0
      let expected: [RedisValue] = (0..<1000).map { number in
        total += Int64(number % 2)
        return .integer(total)
      }
      #expect(values == expected)
    }
  }

  @Test func `a megabyte goes both ways`() async throws {
    try await withClient { client, key in
      let large = [UInt8](repeating: 0xA5, count: 1 << 20)
      let values = try await client.pipeline([
        RedisCommand("SET").arg(key).arg(large), RedisCommand("GET").arg(key), RedisCommand("STRLEN").arg(key),
      ])
      #expect(values == [.status("OK"), .bytes(large), .integer(1 << 20)])
    }
  }

  @Test func `a refused command is a value and does not stop the others`() async throws {
    try await withClient { client, key in
      let values = try await client.pipeline([
        RedisCommand("SET").arg(key).arg("text"), RedisCommand("INCR").arg(key), RedisCommand("LPUSH").arg(key).arg(1),
        RedisCommand("GET").arg(key), RedisCommand("GET").arg("\(key):none"),
      ])
      #expect(values[1].serverError?.serverCode == "ERR")
      #expect(values[2].serverError?.serverCode == "WRONGTYPE")
      #expect(values[2].serverError?.disposition == .permanent)
      #expect(values[3].string == "text")
      #expect(values[4] == .null)
      let error = await #expect(throws: RedisError.self) { try await client.command(RedisCommand("INCR").arg(key)) }
      #expect(error?.code == .server)
      #expect(error?.isOutcomeUnknown == false)
    }
  }

  @Test func `nested and empty arrays arrive`() async throws {
    try await withClient { client, _ in
      let script = RedisScript(name: "nest", source: "return {1, {'a', {}, {2}}, false, redis.status_reply('FINE')}")
      let replies = try await client.run([RedisScriptCall(script, keys: [])])
      let expected: RedisValue = .array([
        .integer(1), .array([.bytes(Array("a".utf8)), .array([]), .array([.integer(2)])]), .null, .status("FINE"),
      ])
      #expect(replies.values == [expected])
    }
  }

  @Test func `callers at the same time get their own answers`() async throws {
    try await withClient { client, _ in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for caller in 0..<50 {
          group.addTask {
            let texts = (0..<20).map { "caller \(caller) command \($0)" }
            let values = try await client.pipeline(texts.map { RedisCommand("ECHO").arg($0) })
            return values.map(\.string) == texts
          }
        }
        for try await isOwn in group { #expect(isOwn) }
      }
    }
  }

  @Test func `an empty batch is answered with nothing`() async throws {
    try await withClient { client, _ in
      #expect(try await client.pipeline([]).isEmpty)
      let replies = try await client.run([])
      #expect(replies.values.isEmpty)
      #expect(replies.runID == client.serverIdentity?.runID)
    }
  }
}
