import Foundation
import GRDB
import TestKit
import Testing

@testable import Billing

/// Opening a ledger that has to be there.
struct LedgerOpeningTests {
  private let folder: TemporaryFolder
  private var address: String { "sqlite://\(folder.ledgerPath)" }

  init() throws { folder = try TemporaryFolder() }

  private func refusal(of address: String) async -> LedgerError.Code? {
    do throws(LedgerError) {
      let ledger = try Ledger(url: address, opening: .existing)
      let refused: LedgerError.Code?
      do throws(LedgerError) {
        try await ledger.reach()
        refused = nil
      } catch {
        refused = error.code
      }
      try ledger.close()
      return refused
    } catch {
      return error.code
    }
  }

  @Test func `a file that is not there, or is empty, is no ledger`() async throws {
    #expect(await refusal(of: address) == .absent)
    #expect(!FileManager.default.fileExists(atPath: folder.ledgerPath))
    try Data().write(to: URL(filePath: folder.ledgerPath))
    #expect(await refusal(of: address) == .absent)
  }

  @Test func `the file of another program stays as it is, byte for byte`() async throws {
    let other = try DatabaseQueue(path: folder.ledgerPath)
    try await other.write { try $0.execute(sql: "CREATE TABLE usage_cost (a)") }
    try other.close()
    let before = try Data(contentsOf: URL(filePath: folder.ledgerPath))
    #expect(await refusal(of: address) == .absent)
    #expect(try Data(contentsOf: URL(filePath: folder.ledgerPath)) == before)
  }

  @Test func `a file with tables of an older version is left to billing`() async throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    try await ledger.pool.write {
      try $0.execute(sql: "DELETE FROM grdb_migrations WHERE rowid = (SELECT max(rowid) FROM grdb_migrations)")
    }
    #expect(await refusal(of: address) == .olderSchema)
    try ledger.close()
  }

  @Test func `a ledger that a crash left behind opens, with what was committed`() async throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    _ = try await ledger.record(try randomEvents(20, seed: 3).map(\.arrived))
    let copy = folder.url.appending(path: "copy.db").path
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: folder.ledgerPath + suffix, toPath: copy + suffix)
    }
    let opened = try Ledger(url: "sqlite://\(copy)", opening: .existing)
    #expect(try await opened.count("usage_cost") == 20)
    try opened.close()
    try ledger.close()
  }

  @Test(.enabled(if: LivePostgres.isNamed))
  func `a database without our tables, or with older ones, is left as it is`() async throws {
    let server = try await LivePostgres.shared()
    try await server.withDatabase { url in
      #expect(await refusal(of: url) == .absent)
      // As another program might call it.
      _ = try await server.query("CREATE TABLE schema_migration (version TEXT)", database: url)
      #expect(await refusal(of: url) == .absent)
      _ = try await server.query("DROP TABLE schema_migration", database: url)
      let ledger = try Ledger(url: url)
      try await ledger.reach()
      try ledger.close()
      #expect(await refusal(of: url) == nil)
      _ = try await server.query(
        "DELETE FROM schema_migration WHERE version = (SELECT max(version) FROM schema_migration)", database: url)
      #expect(await refusal(of: url) == .olderSchema)
    }
  }
}
