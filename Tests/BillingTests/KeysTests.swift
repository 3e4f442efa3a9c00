import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct KeysTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let keys: Keys

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open { Timestamp(milliseconds: 1_790_000_000_123) }
    keys = Keys(in: ledger)
  }

  private func make(_ name: String = "studio", _ scopes: Set<Scope> = [.submit, .read]) throws -> APIKey {
    APIKey.make(name: name, scopes: scopes, users: try #require(UserPattern("studio-*"))).key
  }

  @Test func `a key is found again with all it may, and nothing of its secret`() async throws {
    let (key, secret) = APIKey.make(name: "télé", scopes: Set(Scope.allCases), users: .everybody)
    let issued = try await keys.add(key, by: "root", reason: "pilot")
    #expect(try await keys.list() == [issued])
    #expect(issued.key == key && issued.createdAt == Timestamp(milliseconds: 1_790_000_000_123))
    let row = try await ledger.texts(
      "SELECT id || name || hash || scopes || users || created_by || reason FROM api_key")
    #expect(row.count == 1 && !row[0].contains(secret.suffix(43)))
    #expect(
      try await keys.changes(of: key.id) == [
        KeyChange(keyID: key.id, kind: .create, changedAt: issued.createdAt, changedBy: "root", reason: "pilot")
      ])
  }

  @Test func `a key is revoked once, and its row stays`() async throws {
    let (one, two) = (try make(), try make("other"))
    for key in [one, two] { _ = try await keys.add(key, by: "root", reason: "") }
    let revoked = try #require(try await keys.revoke(one.id, by: "eve", reason: "leaked"))
    #expect(revoked.isNew && revoked.key.key.isRevoked && revoked.key.revokedAt != nil)
    let again = try #require(try await keys.revoke(one.id, by: "bob", reason: "again"))
    #expect(!again.isNew && again.key == revoked.key)
    let listed = try await keys.list()
    #expect(
      Dictionary(uniqueKeysWithValues: listed.map { ($0.key.id, $0.key.isRevoked) }) == [one.id: true, two.id: false])
    #expect(try await keys.changes(of: one.id).map(\.changedBy) == ["root", "eve"])
    #expect(try await keys.changes(of: one.id).map(\.kind) == [.create, .revoke])
  }

  @Test func `an id that no key has cannot be revoked`() async throws {
    #expect(try await keys.revoke("nobody", by: "root", reason: "") == nil)
    #expect(try await ledger.count("api_key_change") == 0)
  }

  @Test func `what no key can be is refused and nothing is written`() async throws {
    let known = try make()
    _ = try await keys.add(known, by: "root", reason: "")
    let refused: [(APIKey, String)] = [
      (try make(""), "root"), (try make(String(repeating: "x", count: 101)), "root"), (try make("n", []), "root"),
      (try make(), ""), (try make(), String(repeating: "x", count: 1025)),
    ]
    for (key, by) in refused {
      let error = await #expect(throws: LedgerError.self) { try await keys.add(key, by: by, reason: "") }
      #expect(error?.code == .refused)
    }
    await #expect(throws: LedgerError.self) { try await keys.add(known, by: "root", reason: "twice") }
    #expect(try await ledger.count("api_key") == 1)
    #expect(try await ledger.count("api_key_change") == 1)
  }

  @Test func `nothing of a key changes but that it is revoked`() async throws {
    let key = try make()
    _ = try await keys.add(key, by: "root", reason: "")
    let refused = [
      "UPDATE api_key SET scopes = 'admin'", "UPDATE api_key SET users = '*'", "DELETE FROM api_key",
      "UPDATE api_key_change SET changed_by = 'eve'", "DELETE FROM api_key_change",
    ]
    for sql in refused {
      await #expect(throws: LedgerError.self, "\(sql)") { try await ledger.execute(sql) }
    }
    _ = try await keys.revoke(key.id, by: "root", reason: "")
    for sql in ["UPDATE api_key SET revoked_at = NULL", "DELETE FROM api_key"] {
      await #expect(throws: LedgerError.self, "\(sql)") { try await ledger.execute(sql) }
    }
    #expect(try await keys.list().map(\.key.isRevoked) == [true])
  }
}
