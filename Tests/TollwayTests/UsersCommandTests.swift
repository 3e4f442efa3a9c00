import Foundation
import TestKit
import Testing

/// `tollway users` from outside.
struct UsersCommandTests {
  private let bench: CommandBench

  init() async throws { bench = try await CommandBench("users") }

  private func run(_ line: String, redis url: String? = nil) async throws -> FinishedCommand {
    try await bench.run("users " + line, redis: url)
  }

  /// What workers read.
  private func copy() async throws -> String {
    let user = Data("ana".utf8).base64EncodedString()
    return try await bench.redis.command("HGET", bench.key("entitlements"), user).trimmingCharacters(in: .newlines)
  }

  @Test func `a change is in the ledger, in Redis and in the audit, and leaves the rest as it was`() async throws {
    try await run("set ana --tier PRO --jobs 7 --by root --reason paid").checked()
    try await run("set ana --rpm 30 --hard-stop false --by eve").checked()
    #expect(try await copy() == #"{"tier":"PRO","hardStop":false,"quotas":{"jobs":7},"rateLimit":{"rpm":30}}"#)
    let card = try await bench.object("users show ana")
    let limits = try #require(card["limits"] as? [[String: Any]])
    let jobs = try #require(limits.first { $0["name"] as? String == "jobs" })
    #expect(jobs["value"] as? String == "7" && jobs["origin"] as? String == "override")
    #expect(limits.contains { $0["name"] as? String == "concurrency" && $0["origin"] as? String == "tier" })
    let changes = try #require(card["changes"] as? [[String: Any]])
    #expect(changes.compactMap { $0["by"] as? String } == ["eve", "root"])
    let standing = try #require(card["standing"] as? [String: [String: Any]])
    #expect(standing["used"]?["usd"] as? String == "0.000000000000")
  }

  @Test func `what is taken back is gone from Redis too`() async throws {
    try await run("set ana --concurrency 4").checked()
    try await run("unset ana").checked()
    #expect(try await copy().isEmpty)
    #expect(try await run("list").checked().isEmpty)
    #expect(try await run("unset ana").ending == .exited(1))
  }

  @Test func `the list and the card name every figure that is laid down`() async throws {
    try await run("set ana --tokens 5 --burst 2 --rps 1 --monthly-usd 1.5").checked()
    #expect(try await run("list").checked().contains("monthlyUsd 1.500000, tokens 5, rps 1, burst 2"))
    let card = try await run("show ana").checked()
    for line in [#/burst +2 +override/#, #/concurrency +2 +tier/#, #/used +0\.000000 +0 +0 +0 +0/#] {
      #expect(card.contains(line), "\(card)")
    }
  }

  @Test func `without Redis a card tells what the ledger knows, and a change is not silently half done`() async throws {
    let card = try await run("show ana", redis: CommandBench.nowhere)
    #expect(card.ending == .exited(0))
    #expect(card.errors.contains("Redis does not answer") && card.output.contains("concurrency"))
    let change = try await run("set ana --jobs 1", redis: CommandBench.nowhere)
    #expect(change.ending == .exited(75))
    #expect(change.errors.contains("workers cannot see it yet"))
  }
}
