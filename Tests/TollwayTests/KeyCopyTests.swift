import Admission
import Billing
import Contracts
import Foundation
import Logging
import Operations
import Redis
import TestKit
import Testing

/// The copy of the API keys in a real Redis, as billing and the commands write it.
struct KeyCopyTests {
  private let directory: TestDirectory
  private let desk: AdmissionDesk
  private let ledger: Ledger
  private let copy: KeyCopy

  init() async throws {
    directory = try TestDirectory("keycopy")
    let client = RedisClient(
      try RedisConfiguration(url: try await LiveRedis.shared().url), logger: Logger(label: "test"))
    desk = AdmissionDesk(
      redis: client, keys: AdmissionKeys(namespace: Namespace.unique()), configuration: AdmissionConfiguration())
    ledger = try Ledger(path: directory.file("ledger.db").path)
    copy = KeyCopy(in: ledger, desk: desk)
  }

  private func add(_ name: String) async throws -> APIKey {
    let key = APIKey.make(name: name, scopes: [.read], users: .everybody).key
    return try await copy.keys.add(key, by: "root", reason: "").key
  }

  @Test func `after a loss of Redis the keys come back out of the ledger, the revoked ones as such`() async throws {
    let (one, two) = (try await add("one"), try await add("two"))
    _ = try await copy.keys.revoke(two.id, by: "root", reason: "")
    for _ in 1...2 {
      #expect(try await copy.difference().unlike.count == 2)
      #expect(try await copy.restore() == 2)
      let stored = try await desk.storedKeys()
      #expect(stored[one.id] == one && stored[two.id]??.isRevoked == true)
      let same = try await copy.difference()
      #expect(same.unlike.isEmpty && same.foreign.isEmpty && same.rows == 2 && same.valid == 1)
      try await desk.removeKeys([one.id, two.id])
    }
  }

  @Test func `a key that the ledger does not have is taken out of Redis, but not by a command`() async throws {
    let foreign = APIKey.make(name: "foreign", scopes: [.admin], users: .everybody).key
    try await desk.storeKeys([foreign])
    try await copy.write(try await add("one"))
    #expect(try await copy.difference().foreign == [foreign.id])
    #expect(try await copy.restore() == 1)
    #expect(try await desk.storedKeys().count == 1)
  }

  @Test func `a key that was revoked meanwhile is not brought back by who read it before`() async throws {
    let key = try await add("one")
    let late = try await copy.difference().unlike
    let revoked = try #require(try await copy.keys.revoke(key.id, by: "root", reason: ""))
    try await copy.write(revoked.key.key)
    try await desk.storeKeys(late)
    #expect(try await desk.storedKeys()[key.id]??.isRevoked == true)
  }

  @Test func `a ledger from before a revocation does not undo it, and copying it ends`() async throws {
    let key = try await add("one")
    var revoked = key
    revoked.isRevoked = true
    try await desk.storeKeys([revoked])
    #expect(try await copy.restore() == 1)
    #expect(try await desk.storedKeys()[key.id]??.isRevoked == true)
    #expect(try await copy.difference().unlike.map(\.id) == [key.id])
  }
}
