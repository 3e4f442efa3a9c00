import Foundation
import TestKit
import Testing

/// `tollway freeze` from outside.
struct FreezeCommandTests {
  private let bench: CommandBench

  init() async throws { bench = try await CommandBench("freeze") }

  private func run(_ line: String, redis url: String? = nil, policy: String = "") async throws -> FinishedCommand {
    try await bench.run(line, redis: url, policy: policy)
  }

  private func status() async throws -> [String: Any] { try await bench.object("freeze status") }

  /// What workers read: the id, and what it holds.
  private func copy() async throws -> (id: String, versions: String) {
    (
      try await bench.redis.command("HGET", bench.key("entitlements"), "!freeze").trimmingCharacters(in: .newlines),
      try await bench.redis.command("GET", bench.key("freeze"))
    )
  }

  @Test func `a freeze is in the ledger and in Redis until it is taken back`() async throws {
    let on = try await run("freeze on --by ana --reason voices").checked()
    #expect(on.wholeMatch(of: /frozen: [0-9]+ versions are held since 20[^ ]+Z\n/) != nil, "\(on)")
    let frozen = try await status()
    let id = try #require(frozen["id"] as? String)
    #expect(frozen["state"] as? String == "on" && frozen["by"] as? String == "ana")
    #expect(frozen["reason"] as? String == "voices" && frozen["redis"] as? String == "agrees")
    #expect((frozen["versions"] as? [Any])?.isEmpty == false)
    let copy = try await copy()
    #expect(copy.id == id && copy.versions.contains(#""id":"\#(id)""#) && copy.versions.contains("gpt-5-mini"))

    let off = try await run("freeze off --by bob").checked()
    #expect(off.hasPrefix("the freeze is over, after "))
    #expect(try await self.copy().id == "off")
    let over = try await status()
    #expect(over["state"] as? String == "off" && over["redis"] as? String == "agrees" && over["id"] is NSNull)
    let changes = try #require(over["changes"] as? [[String: String]])
    #expect(changes.compactMap { $0["state"] } == ["off", "on"] && changes.compactMap { $0["by"] } == ["bob", "ana"])
  }

  @Test func `on while on and off while off change nothing and say so`() async throws {
    try await run("freeze on").checked()
    let first = try await copy().id
    #expect(try await run("freeze on").checked().hasPrefix("nothing changed, the fleet is frozen already: "))
    #expect(try await copy().id == first)
    try await run("freeze off").checked()
    #expect(try await run("freeze off").checked() == "nothing changed, the fleet is not frozen\n")
  }

  @Test func `the status shows versions and history, and what to do when Redis has it otherwise`() async throws {
    try await run("freeze on --reason voices").checked()
    _ = try await bench.redis.command("HSET", bench.key("entitlements"), "!freeze", "off")
    let text = try await run("freeze status").checked()
    #expect(text.contains("tollway freeze on again mends it"), "\(text)")
    #expect(text.contains(#/piper +tts +en_US-joe-medium +1\.0\.0/#) && text.contains(#/on +\S+ +voices/#), "\(text)")
    try await run("freeze on").checked()
    #expect(try await status()["redis"] as? String == "agrees")
  }

  @Test func `without Redis the status tells what the ledger knows, and a change is not silently half done`()
    async throws
  {
    let change = try await run("freeze on", redis: CommandBench.nowhere)
    #expect(change.ending == .exited(75) && change.errors.contains("workers cannot see it yet"))
    let status = try await run("freeze status", redis: CommandBench.nowhere)
    #expect(status.ending == .exited(0))
    #expect(status.errors.contains("Redis does not answer") && status.output.contains(#/freeze +on, for /#))
    try await run("freeze on").checked()
    #expect(try await self.status()["redis"] as? String == "agrees")
  }

  @Test func `a policy that workers would refuse cannot be frozen`() async throws {
    let file = bench.directory.file("policy.yml")
    try Data("version: 2\n".utf8).write(to: file)
    let refused = try await run("freeze on", policy: file.path)
    #expect(refused.ending == .exited(2) && refused.errors.contains("policy file"))
    #expect(try await status()["state"] as? String == "off")
  }

  @Test func `doctor names a freeze and what is held`() async throws {
    try await run("freeze on --by ana").checked()
    try await run("providers hold espeak --by ana").checked()
    let text = try await run("doctor").output
    #expect(text.contains(#/! freeze +on since \S+ by ana: [0-9]+ versions are held/#), "\(text)")
    #expect(
      text.contains(#/! espeak +held by hand since /#) && text.contains("tollway providers release espeak"), "\(text)")
  }
}
