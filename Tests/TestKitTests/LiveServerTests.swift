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

  @Test func `the shared servers answer and are started once`() async throws {
    let redis = try await LiveRedis.shared()
    #expect(try await redis.command("PING") == "PONG\n")
    #expect(try await LiveRedis.shared() === redis)
    let broker = try await LiveBroker.shared()
    #expect(try await broker.rabbitmqctl("list_vhosts", "--no-table-headers").contains("/"))
  }

  private func runID(of redis: LiveRedis) async throws -> String {
    let lines = try await redis.command("INFO", "server").split(whereSeparator: \.isNewline)
    return String(try #require(lines.first { $0.hasPrefix("run_id:") }))
  }
}
