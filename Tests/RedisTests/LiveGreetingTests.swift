import TestKit
import Testing

@testable import Redis

@Suite(.enabled(if: PrivateRedis.isWanted)) struct LiveGreetingTests {
  @Test func `password, user and database of the URL are used`() async throws {
    let server = try PrivateRedis(
      arguments: ["--requirepass", "first", "--user", "worker", "on", ">second", "~*", "+@all"])
    defer { server.stop() }
    let first = try server.client(credentials: ":first@", database: 0)
    let second = try server.client(credentials: "worker:second@", database: 5)
    #expect(try await first.command(RedisCommand("ACL").arg("WHOAMI")).string == "default")
    #expect(try await second.command(RedisCommand("ACL").arg("WHOAMI")).string == "worker")
    _ = try await second.command(RedisCommand("SET").arg("here").arg("5"))
    #expect(try await first.command(RedisCommand("GET").arg("here")) == .null)
    #expect(try await second.command(RedisCommand("CLIENT").arg("GETNAME")).string == "tollway")
    await first.close()
    await second.close()
  }

  @Test(arguments: [
    (":wrong-canary@", 0, "WRONGPASS"), ("nobody:wrong-canary@", 0, "WRONGPASS"), ("", 0, "NOAUTH"),
    (":first@", 4000, "ERR"),
  ])
  func `a refused greeting is permanent and says what to check`(
    credentials: String, database: Int, word: String
  ) async throws {
    let server = try PrivateRedis(arguments: ["--requirepass", "first"])
    defer { server.stop() }
    let log = RecordingLog()
    let client = try server.client(credentials: credentials, database: database, log: log)
    let error = await client.failure(of: [RedisCommand("PING")])
    #expect(error?.code == .refused)
    #expect(error?.serverCode == word)
    #expect(error?.disposition == .permanent)
    #expect(error?.isOutcomeUnknown == false)
    #expect(error?.message.contains("in the URL") == true)
    #expect(await client.failureWhileBackingOff()?.disposition == .permanent)
    #expect(!"\(error.debugDescription) \(log.lines)".contains("canary"))
    #expect(log.outagesBegun == 1)
    await client.close()
  }

  @Test func `a server that forbids naming the connection is used without`() async throws {
    let server = try PrivateRedis(arguments: ["--user", "default", "on", "nopass", "~*", "+@all", "-client"])
    defer { server.stop() }
    let client = try server.client()
    #expect(try await client.command(RedisCommand("PING")) == .status("PONG"))
    await client.close()
  }
}
