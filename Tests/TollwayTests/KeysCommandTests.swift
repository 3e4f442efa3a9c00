import Contracts
import Foundation
import TestKit
import Testing

/// `tollway keys` from outside.
struct KeysCommandTests {
  private let bench: CommandBench

  init() async throws { bench = try await CommandBench("keys") }

  private func run(_ line: String, redis url: String? = nil) async throws -> FinishedCommand {
    try await bench.run("keys " + line, redis: url)
  }

  /// Makes a key for the body, and leaves no trace of it in the broker.
  private func withKey(_ body: (_ id: String, _ secret: String) async throws -> Void) async throws {
    let outcome: Result<Void, any Error>
    do {
      let line = "create --name studio --scopes submit,read --users studio-* --by root --reason pilot"
      let secret = try await run(line).checked().trimmingCharacters(in: .newlines)
      try await body(try #require(APIKey.id(in: secret)), secret)
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await bench.forgetKeys()
    try outcome.get()
  }

  /// What gateways read.
  private func copy(of id: String) async throws -> APIKey? {
    APIKey(decoding: Array(try await bench.redis.command("HGET", bench.key("keys"), id).utf8))
  }

  @Test func `a new key is in the ledger and in Redis, and its secret in neither`() async throws {
    try await withKey { id, secret in
      let key = try #require(try await copy(of: id))
      #expect(key.isOpened(by: secret) && key.name == "studio" && key.scopes == [.submit, .read])
      #expect(key.users.description == "studio-*" && !key.isRevoked)
      let row = try #require(try await bench.rows("keys list").first)
      #expect(row["id"] as? String == id && row["by"] as? String == "root" && row["reason"] as? String == "pilot")
      #expect(row["scopes"] as? [String] == ["submit", "read"] && row["users"] as? String == "studio-*")
      let listed = try await run("list").checked()
      for text in [listed, "\(row)", try await run("list --format json").checked()] {
        #expect(!text.contains(secret.suffix(43)) && !text.contains(key.hash))
      }
      let file = try Data(contentsOf: bench.directory.file("ledger.db"))
      #expect(file.range(of: Data(secret.suffix(43).utf8)) == nil)
    }
  }

  @Test func `as JSON a new key comes with its secret and what it may`() async throws {
    try await withKey { _, _ in
      let made = try await bench.object("keys create --name n --scopes admin --users *")
      let secret = try #require(made["secret"] as? String)
      let key = try #require(made["key"] as? [String: Any])
      #expect(APIKey.id(in: secret) == key["id"] as? String && key["scopes"] as? [String] == ["admin"])
    }
  }

  @Test func `a revoked key stays listed, and is revoked in Redis`() async throws {
    try await withKey { id, _ in
      try await run("revoke \(id) --by eve --reason leaked").checked()
      #expect(try await copy(of: id)?.isRevoked == true)
      let row = try #require(try await bench.rows("keys list").first)
      #expect(row["revoked"] is String)
      #expect(try await run("revoke \(id)").checked().contains("revoked already"))
    }
  }

  @Test func `a whole secret names its key, and is never said again`() async throws {
    try await withKey { id, secret in
      let tail = String(secret.suffix(43))
      for foreign in ["tw_000000000000_\(tail)", "nobody-\(tail)", "twice_\(secret)"] {
        let unknown = try await run("revoke \(foreign)")
        #expect(unknown.ending == .exited(1) && unknown.errors.contains("there is no such key"))
        #expect(!(unknown.errors + unknown.output).contains(tail))
      }
      #expect(try await copy(of: id)?.isRevoked == false)
      let revoked = try await run("revoke \(secret) --reason leaked")
      #expect(revoked.ending == .exited(0) && revoked.output.contains("key \(id) (studio) is refused"))
      #expect(!(revoked.errors + revoked.output).contains(tail))
      #expect(try await copy(of: id)?.isRevoked == true)
    }
  }

  @Test func `without Redis or broker no key is made, and a revocation is not silently half done`() async throws {
    try await withKey { id, _ in
      let line = "create --name n --scopes read --users *"
      #expect(try await run(line, redis: CommandBench.nowhere).ending == .exited(75))
      let noBroker = try await bench.run("keys " + line, ["TOLLWAY_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"])
      #expect(noBroker.ending == .exited(75) && noBroker.output.isEmpty)
      #expect(try await bench.rows("keys list").count == 1)
      let change = try await run("revoke \(id)", redis: CommandBench.nowhere)
      #expect(change.ending == .exited(75) && change.errors.contains("run the same command again"))
      #expect(try await copy(of: id)?.isRevoked == false)
      try await run("revoke \(id)").checked()
      #expect(try await copy(of: id)?.isRevoked == true)
    }
  }

  @Test func `doctor says whether there are keys, whether gateways know them, and where one may listen`() async throws {
    let everywhere = ["TOLLWAY_GATEWAY": "0.0.0.0:8080"]
    let without = try await bench.run("doctor").output
    #expect(without.contains(#/· API keys +none: a gateway serves this machine only, at 127.0.0.1:8080/#), "\(without)")
    let open = try await bench.run("doctor", everywhere).output
    #expect(open.contains(#/✕ API keys +none, and a gateway at 0.0.0.0:8080 can be reached/#), "\(open)")
    try await withKey { id, _ in
      let fine = try await bench.run("doctor", everywhere).output
      #expect(fine.contains(#/✓ API keys +1, for gateways at 0.0.0.0:8080/#), "\(fine)")
      _ = try await bench.redis.command("HDEL", bench.key("keys"), id)
      let differs = try await bench.run("doctor").output
      #expect(differs.contains(#/! API keys +Redis has 1 of them otherwise/#), "\(differs)")
      try await run("revoke \(id)").checked()
      let revoked = try await bench.run("doctor").output
      #expect(revoked.contains(#/! API keys +all are revoked/#), "\(revoked)")
    }
  }
}
