import Foundation
import TestKit
import Testing

@Suite struct LiveServerTests {
  @Test(arguments: [true, false])
  func `a durable Redis keeps its keys over a crash, another does not`(durable: Bool) async throws {
    let redis = try await LiveRedis.dedicated(durable: durable)
    _ = try await redis.command("SET", "key", "value")
    let first = try await runID(of: redis)
    try await redis.crash()
    await #expect(throws: CommandFailure.self) { try await redis.command("PING") }
    try await redis.start()
    #expect(try await redis.command("GET", "key") == (durable ? "value\n" : "\n"))
    #expect(try await runID(of: redis) != first)
    try await redis.stop()
  }

  @Test func `a shifted clock moves while the server runs, expires keys and holds over a restart`() async throws {
    let redis = try await LiveRedis.dedicated(shiftedClock: true)
    #expect(abs(try await time(of: redis) - Date.now.timeIntervalSince1970) < 5)
    _ = try await redis.command("SET", "key", "value", "EX", "\(30 * 86_400)")
    try redis.shiftClock(by: .seconds(29 * 86_400))
    #expect(try await redis.command("EXISTS", "key") == "1\n")
    try redis.shiftClock(by: .seconds(40 * 86_400))
    #expect(try await redis.command("EXISTS", "key") == "0\n")
    try redis.setClock(to: Date(timeIntervalSince1970: 1_893_456_000))
    #expect(abs(try await time(of: redis) - 1_893_456_000) < 5)
    let child = try await FinishedCommand.run(["date", "+%s"], environment: redis.clockEnvironment).checked()
    #expect(abs(try #require(Double(child.dropLast())) - 1_893_456_000) < 5)
    try await redis.crash()
    try await redis.start()
    #expect(abs(try await time(of: redis) - 1_893_456_000) < 5)
    try redis.shiftClock(by: .zero)
    #expect(abs(try await time(of: redis) - Date.now.timeIntervalSince1970) < 5)
    try await redis.stop()
    await #expect(throws: (any Error).self) { try await LiveRedis.shared().shiftClock(by: .zero) }
  }

  @Test func `sentinels put the replica in the place of a killed primary`() async throws {
    let servers = try await LiveSentinels.dedicated()
    _ = try await servers.command(.first, "SET", "key", "value")
    #expect(try await servers.command(.first, "WAIT", "1", "5000") == "1\n")
    try await servers.crash(.first)
    try await waitUntil("the replica is the primary") {
      try await servers.command(.second, "ROLE").hasPrefix("master\n")
    }
    #expect(try await servers.command(.second, "GET", "key") == "value\n")
    try await servers.stop()
    await #expect(throws: CommandFailure.self) { try await servers.command(.second, "PING") }
  }

  @Test func `a broker keeps its durable messages over a restart and comes back after a crash`() async throws {
    let broker = try await LiveBroker.dedicated(tls: true)
    try await FinishedCommand.run(["amqp-declare-queue", "-u", broker.url, "-q", "kept", "-d"]).checked()
    try await FinishedCommand.run(["amqp-publish", "-u", broker.url, "-r", "kept", "-p", "-b", "text"]).checked()
    try await broker.stop()
    try await broker.start()
    #expect(try await FinishedCommand.run(["amqp-get", "-u", broker.url, "-q", "kept"]).checked() == "text")
    try await broker.crash()
    #expect(try await FinishedCommand.run(["amqp-get", "-u", broker.url, "-q", "kept"]).ending == .exited(1))
    try await broker.start()
    #expect(try await broker.rabbitmqctl("list_vhosts", "--no-table-headers").contains("/"))
    #expect(broker.tlsURL?.contains("cacertfile=") == true)
    try await broker.stop()
  }

  @Test func `a PostgreSQL keeps what was committed over a crash, though somebody was connected`() async throws {
    let server = try await LivePostgres.dedicated()
    _ = try await server.query("CREATE TABLE kept (n INTEGER)")
    _ = try await server.query("INSERT INTO kept VALUES (7)")
    for isOrderly in [false, true] {
      let guest = try ChildProcess("guest", ["psql", server.url, "-c", "SELECT pg_sleep(60)"], in: TestDirectory())
      try await waitUntil("the guest sleeps") {
        try await server.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1\n"
      }
      if isOrderly { try await server.stop() } else { try await server.crash() }
      #expect(try await guest.end(within: .seconds(45)) == .exited(2))
      try await server.start()
      #expect(try await server.query("SELECT n FROM kept") == "7\n")
    }
    try await server.stop()
  }

  @Test func `a database of a test's own goes with it`() async throws {
    struct Refusal: Error {}
    let server = try await LivePostgres.shared()
    let before = try await server.query("SELECT count(*) FROM pg_database")
    await #expect(throws: Refusal.self) {
      try await server.withDatabase { url in
        _ = try await server.query("CREATE TABLE t (n INTEGER)", database: url)
        throw Refusal()
      }
    }
    #expect(try await server.query("SELECT count(*) FROM pg_database") == before)
    #expect(try await server.query("SELECT to_regclass('t') IS NULL") == "t\n")
  }

  @Test func `the shared servers answer and are started once`() async throws {
    let redis = try await LiveRedis.shared()
    #expect(try await redis.command("PING") == "PONG\n")
    #expect(try await LiveRedis.shared() === redis)
    let broker = try await LiveBroker.shared()
    #expect(try await broker.rabbitmqctl("list_vhosts", "--no-table-headers").contains("/"))
  }

  /// Seconds since 1970.
  private func time(of redis: LiveRedis) async throws -> Double {
    let lines = try await redis.command("TIME").split(separator: "\n")
    return try #require(lines.first.flatMap { Double($0) })
  }

  private func runID(of redis: LiveRedis) async throws -> String {
    let lines = try await redis.command("INFO", "server").split(whereSeparator: \.isNewline)
    return String(try #require(lines.first { $0.hasPrefix("run_id:") }))
  }
}
