import TestKit
import Testing

@testable import Redis

/// A real primary, its replica and three real sentinels; each test has its own five.
@Suite(.enabled(if: PrivateRedis.isWanted)) struct LiveSentinelTests {
  private func client(_ url: String, log: RecordingLog = RecordingLog()) throws -> RedisClient {
    RedisClient(try RedisConfiguration(url: url), logger: log.logger)
  }

  /// What a caller does: again, as late as the error says, until it is done.
  private func set(_ key: String, over client: RedisClient) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while true {
      do throws(RedisError) {
        _ = try await client.command(RedisCommand("SET").arg(key).arg("v"))
        return
      } catch {
        guard error.disposition != .permanent, .now < end else { throw error }
        try await Task.sleep(for: error.retryAfter ?? .milliseconds(20))
      }
    }
  }

  @Test func `a killed primary is followed by its replica, with sentinels missing`() async throws {
    let servers = try await LiveSentinels.dedicated()
    let log = RecordingLog()
    let client = try client(servers.url.replacing("://", with: "://127.0.0.1:1,"), log: log)
    try await set("before", over: client)
    let before = try #require(client.serverIdentity)
    #expect(try await servers.command(.first, "EXISTS", "before") == "1\n")
    try await servers.crashSentinel(0)
    try await servers.crash(.first)
    try await set("after", over: client)
    #expect(client.serverIdentity?.runID != before.runID)
    #expect(try await servers.command(.second, "EXISTS", "after") == "1\n")
    #expect(log.outagesBegun == 1)
    #expect(log.outagesEnded == 1)
    await client.close()
    try await servers.stop()
  }

  /// Nothing while the sentinels change a server's role, because they end its connections then.
  private func answer(_ ask: () async throws -> String) async throws -> String {
    do { return try await ask() } catch is CommandFailure { return "" }
  }

  @Test func `a primary that was replaced but lives on is left when it refuses to write`() async throws {
    let servers = try await LiveSentinels.dedicated()
    let client = try client(servers.url)
    let before = try await client.connect()
    _ = try await servers.command(.first, "CONFIG", "SET", "min-replicas-to-write", "1")
    try await set("before", over: client)
    try await servers.failOver()
    try await waitUntil("the former replica is a primary") {
      try await answer { try await servers.command(.second, "ROLE") }.hasPrefix("master\n")
    }
    let start = ContinuousClock.now
    try await waitUntil("writes reach the new primary") {
      try await set("after", over: client)
      return try await answer { try await servers.command(.second, "EXISTS", "after") } == "1\n"
    }
    #expect(start.duration(to: .now) < .seconds(6))  // the sentinels demote the former primary after eight
    #expect(client.serverIdentity?.runID != before.runID)
    await client.close()
    try await servers.stop()
  }

  @Test func `a demoted primary is left and not taken again before it is one`() async throws {
    let servers = try await LiveSentinels.dedicated()
    let log = RecordingLog()
    let client = try client(servers.url, log: log)
    let before = try await client.connect()
    _ = try await servers.command(.first, "REPLICAOF", "127.0.0.1", "1")
    let values = try await client.pipeline([RedisCommand("SET").arg("k").arg("v")])
    #expect(values[0].serverError?.serverCode == "READONLY")
    let error = await client.failure(of: [RedisCommand("PING")])
    #expect(error?.code == .unreachable)
    #expect(error?.disposition == .reconnect)
    #expect(error?.message.contains("no primary") == true)
    _ = try await servers.command(.first, "REPLICAOF", "NO", "ONE")
    #expect(try await client.connectPatiently() == before)
    #expect(log.outagesBegun == 1)
    await client.close()
    try await servers.stop()
  }

  @Test func `what sentinels refuse is permanent and says what to check`() async throws {
    let servers = try await LiveSentinels.dedicated()
    let first = "redis+sentinel://127.0.0.1:\(servers.ports[0])"
    func refusal(_ url: String) async throws -> RedisError? {
      let client = try client(url)
      let error = await client.failure(of: [RedisCommand("PING")])
      await client.close()
      return error
    }
    let unknown = try await refusal(servers.url.replacing("/tollway/", with: "/canary/"))
    #expect(unknown?.code == .configuration)
    #expect(unknown?.message.contains("check NAME") == true)
    let redis = try await servers.command(.first, "CONFIG", "GET", "port").split(separator: "\n").last ?? ""
    let noSentinel = try await refusal("redis+sentinel://127.0.0.1:\(redis)/canary")
    #expect(noSentinel?.code == .refused)
    #expect(noSentinel?.message.contains("check that the URL names sentinels") == true)

    try await FinishedCommand.run(
      ["redis-cli", "-p", "\(servers.ports[0])", "-e", "acl", "setuser", "default", "resetpass", ">secret"]
    ).checked()
    let locked = try await refusal("\(first)/tollway")
    #expect(locked?.serverCode == "NOAUTH")
    let wrong = try await refusal("\(first)/tollway?sentinel_password=canary")
    #expect(wrong?.serverCode == "WRONGPASS")
    for error in [unknown, noSentinel, locked, wrong] {
      #expect(error?.disposition == .permanent)
      #expect(error?.isOutcomeUnknown == false)
      #expect(!error.debugDescription.contains("canary"))
    }
    let admitted = try client("\(first)/tollway?sentinel_password=secret")
    #expect(try await admitted.command(RedisCommand("PING")) == .status("PONG"))
    await admitted.close()
    try await servers.stop()
  }

  @Test func `a sentinel that is behind or mute is passed over, and asked last from then on`() async throws {
    let (primary, replica) = (try PrivateRedis(), try PrivateRedis(arguments: ["--replicaof", "127.0.0.1 1"]))
    defer {
      primary.stop()
      replica.stop()
    }
    let mute = try ScriptedServer(answering: [.stall])
    let (behind, right) = (
      try ScriptedServer(sentinelNaming: replica.port), try ScriptedServer(sentinelNaming: primary.port)
    )
    let hosts = [mute, behind, right].map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    let log = RecordingLog()
    let client = try client("redis+sentinel://\(hosts)/main", log: log)
    let start = ContinuousClock.now
    _ = try await client.connect()
    #expect(try await client.command(RedisCommand("ROLE")).array?.first?.string == "master")
    let firstConnect = start.duration(to: .now)
    #expect(firstConnect >= .milliseconds(500) && firstConnect < .seconds(40))
    // The mute one costs half a second whenever it is asked first; no less, however busy the machine is.
    var connects: [Duration] = []
    for _ in 0..<3 {
      primary.stop()
      try primary.start()
      let again = ContinuousClock.now
      _ = try await client.connect()
      connects.append(again.duration(to: .now))
    }
    #expect(try #require(connects.min()) < .milliseconds(500))
    #expect(log.outagesBegun == 0)
    await client.close()
    withExtendedLifetime((mute, behind, right)) {}
  }
}
