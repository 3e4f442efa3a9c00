import Foundation
import TestKit
import Testing

/// `tollway providers` from outside.
struct ProvidersCommandTests {
  private let bench: CommandBench

  init() async throws { bench = try await CommandBench("providers") }

  private func run(_ line: String, redis url: String? = nil) async throws -> FinishedCommand {
    try await bench.run("providers " + line, redis: url)
  }

  private func row(_ provider: String, model: String? = nil) async throws -> [String: Any] {
    let rows = try await bench.rows("providers")
    return try #require(rows.first { $0["provider"] as? String == provider && $0["model"] as? String == model })
  }

  /// Has a provider, or one of its models, rest as the workers' script would write it.
  private func rest(_ scope: String, _ reason: String) async throws {
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    _ = try await bench.redis.command(
      "HSET", bench.key("breakers"), scope, "\(reason) \(now) \(now + 60000) 60000 0 ")
  }

  @Test func `a held provider is out of service until it is released`() async throws {
    #expect(try await row("openai")["state"] as? String == "serving")
    let held = try await run("hold openai --by ana --reason dispute").checked()
    #expect(held == "openai is held: no job goes there until tollway providers release openai\n")
    let row = try await row("openai")
    #expect(row["state"] as? String == "held" && row["reason"] as? String == "hand")
    #expect(row["by"] as? String == "ana" && row["note"] as? String == "dispute" && row["nextProbe"] is NSNull)
    #expect(try await run("").checked().contains(#/openai +openai +held +by ana: dispute/#))
    #expect(try await run("hold openai").checked().hasPrefix("nothing changed, openai is held already, since "))
    let released = try await run("release openai").checked()
    #expect(released.hasPrefix("openai serves again, after "))
    #expect(try await self.row("openai")["state"] as? String == "serving")
    #expect(try await run("release openai").checked() == "nothing changed, openai was neither held nor resting\n")
  }

  @Test func `a release ends a rest too, of its models as well, and leaves others alone`() async throws {
    try await rest("openai", "funds")
    try await rest("openai/gpt-5-mini", "gone")
    try await rest("anthropic", "account")
    #expect(try await row("openai", model: "gpt-5-mini")["reason"] as? String == "gone")
    let released = try await run("release openai --by ana").checked()
    #expect(released == "openai serves again; what it rested for was forgotten\n")
    #expect(try await run("list").checked().contains("gpt-5-mini") == false)
    #expect(try await row("openai")["state"] as? String == "serving")
    #expect(try await row("anthropic")["state"] as? String == "resting")
  }

  @Test func `names that the policy does not know are refused`() async throws {
    for command in ["hold nobody", "release nobody", "hold openai/gpt-5-mini"] {
      let refused = try await run(command)
      #expect(refused.ending == .exited(1) && refused.output.isEmpty, "\(command)")
      #expect(refused.errors.contains("one of anthropic, "), "\(refused.errors)")
    }
  }

  @Test func `a hold that Redis forgot is named, and comes back with the next change`() async throws {
    try await run("hold openai").checked()
    _ = try await bench.redis.command("DEL", bench.key("breakers"))
    let listed = try await run("list")
    #expect(listed.errors.contains("openai is held by the ledger but not in Redis"))
    try await run("hold anthropic").checked()
    #expect(try await row("openai")["state"] as? String == "held")
  }

  @Test func `without Redis a change is not silently half done`() async throws {
    let change = try await run("hold openai", redis: CommandBench.nowhere)
    #expect(change.ending == .exited(75) && change.errors.contains("workers cannot see it yet"))
    #expect(try await run("list", redis: CommandBench.nowhere).ending == .exited(75))
    try await run("hold openai").checked()
    #expect(try await row("openai")["state"] as? String == "held")
  }
}
