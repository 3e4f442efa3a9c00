import Contracts
import Foundation
import GRDB
import Testing

@testable import Billing

struct LedgerFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `an empty file becomes a ledger and opens again with what was booked`() async throws {
    try Data().write(to: URL(filePath: folder.ledgerPath))
    let first = try Ledger(path: folder.ledgerPath)
    _ = try await first.record([try costEvent().arrived])
    try first.close()
    let second = try Ledger(url: "sqlite://\(folder.ledgerPath)")
    #expect(try await second.record([try costEvent().arrived]) == [.duplicate])
    #expect(try await second.count("usage_cost") == 1)
    #expect(try await second.userMonth(of: "anna", period: "2026-11")?.units[.characters] == ExactDecimal(1234))
  }

  @Test func `two processes may have it open, one books and the other reads`() async throws {
    let billing = try Ledger(path: folder.ledgerPath)
    let command = try Ledger(path: folder.ledgerPath)
    _ = try await billing.record([try costEvent().arrived])
    #expect(try await command.report(LedgerQuery(by: .tier)).rows.map(\.key) == ["PRO"])
  }

  @Test func `a commit reaches the disk before it is reported`() throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    let (mode, synchronous) = try ledger.pool.writeWithoutTransaction {
      (try String.fetchOne($0, sql: "PRAGMA journal_mode"), try Int.fetchOne($0, sql: "PRAGMA synchronous"))
    }
    #expect(mode == "wal")
    #expect(synchronous == 2)
  }

  @Test func `a crash before the commit leaves nothing, a crash after it everything`() async throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    let events = try randomEvents(200, seed: 5)
    _ = try await ledger.record(events.prefix(50).map(\.arrived))
    // What a power cut would leave: the files as they are at that instant, without a word to the database.
    let before = folder.url.appending(path: "before")
    try await ledger.database.write { [folder] session in
      let arrivals = events.dropFirst(50).map {
        LedgerBatch.Arrival(event: $0.arrived, entry: LedgerEntry.reading($0.encoded()))
      }
      _ = try LedgerBatch(session: session, recordedAt: Timestamp(milliseconds: 0), policy: builtInPolicy)
        .record(arrivals)
      try Self.copyFiles(of: folder, to: before)
    }
    let after = folder.url.appending(path: "after")
    try Self.copyFiles(of: folder, to: after)

    let cut = try Ledger(path: before.appending(path: "ledger.db").path)
    #expect(try await cut.count("usage_cost") == 50)
    let outcomes = try await cut.record(events.map(\.arrived))
    #expect(outcomes.count { $0 == .duplicate } == 50)
    let whole = try Ledger(path: after.appending(path: "ledger.db").path)
    #expect(try await whole.count("usage_cost") == 200)
    let reports = (try await cut.report(LedgerQuery(by: .user)), try await whole.report(LedgerQuery(by: .user)))
    #expect(reports.0.rows.map(\.amount) == reports.1.rows.map(\.amount))
  }

  @Test func `a batch that fails in the middle leaves nothing, and the same batch can be booked later`() async throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    let events = try randomEvents(20, seed: 8).map(\.arrived)
    try await ledger.pool.write {
      try $0.execute(
        sql: """
          CREATE TRIGGER failure BEFORE INSERT ON usage_cost WHEN new.job_id = 'j5'
          BEGIN SELECT RAISE(ABORT, 'no'); END
          """)
    }
    await #expect(throws: LedgerError.self) { try await ledger.record(events) }
    #expect(try await ledger.count("usage_cost") == 0)
    #expect(try await ledger.count("user_month") == 0)
    try await ledger.pool.write { try $0.execute(sql: "DROP TRIGGER failure") }
    #expect(try await ledger.record(events).count { if case .inserted = $0 { true } else { false } } == 20)
  }

  private static func copyFiles(of folder: TemporaryFolder, to target: URL) throws {
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    for name in ["ledger.db", "ledger.db-wal"] {
      try FileManager.default.copyItem(at: folder.url.appending(path: name), to: target.appending(path: name))
    }
  }

  @Test func `a ledger of a newer version is left alone`() throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    try ledger.pool.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 from the future')") }
    try ledger.close()
    let error = #expect(throws: LedgerError.self) { try Ledger(path: folder.ledgerPath) }
    #expect(error?.code == .newerSchema)
    #expect(error?.disposition == .permanent)
  }

  @Test func `every unit has its column in user_month`() async throws {
    let ledger = try Ledger(path: folder.ledgerPath)
    let columns = try await ledger.texts("SELECT name FROM pragma_table_info('user_month')")
    let units = Usage.Unit.allCases.map(\.rawValue)
    #expect(Set(columns) == Set(["user_id", "charge_period", "amount_nano_usd", "jobs", "last_row"] + units))
  }

  @Test func `a file that is no database is a permanent fault, a folder that is missing is worth another try`() throws {
    try Data("this is a letter to my aunt, and certainly not a database of any kind".utf8)
      .write(to: URL(filePath: folder.ledgerPath))
    let letter = #expect(throws: LedgerError.self) { try Ledger(path: folder.ledgerPath) }
    #expect(letter?.code == .corrupt)
    #expect(letter?.disposition == .permanent)
    let nowhere = folder.url.appending(path: "missing/ledger.db").path
    let missing = #expect(throws: LedgerError.self) { try Ledger(path: nowhere) }
    #expect(missing?.code == .unavailable)
    #expect(missing?.disposition == .retry)
  }

  @Test(arguments: [
    (ResultCode.SQLITE_BUSY, LedgerError.Code.busy, LedgerError.Disposition.retry),
    (.SQLITE_FULL, .diskFull, .retry), (.SQLITE_IOERR, .unavailable, .retry), (.SQLITE_CORRUPT, .corrupt, .permanent),
    (.SQLITE_NOTADB, .corrupt, .permanent), (.SQLITE_CONSTRAINT, .unexpected, .permanent),
  ])
  func `failures of the database are sorted into retry and permanent`(
    result: ResultCode, code: LedgerError.Code, disposition: LedgerError.Disposition
  ) {
    let error = LedgerError(DatabaseError(resultCode: result, sql: "INSERT secret", arguments: ["secret"]))
    #expect(error.code == code)
    #expect(error.disposition == disposition)
    #expect(!error.description.contains("secret"))
  }

  @Test func `a ledger of the first release gets what was added since and keeps its sums`() async throws {
    var events = try randomEvents(120, seed: 31)
    for index in events.indices { events[index].usage.removeAll { $0.unit == .cacheWrite1hTokens } }
    let ledger = try Ledger(path: folder.ledgerPath)
    _ = try await ledger.record(events.map(\.arrived))
    let before = try await ledger.months(of: ["2026-10", "2026-11"], after: nil, limit: 100)
    let balances = try await ledger.texts(Self.balances)
    try await ledger.pool.write { database in
      try database.execute(
        sql: """
          DROP INDEX user_month_period;
          ALTER TABLE user_month DROP COLUMN last_row;
          ALTER TABLE user_month DROP COLUMN cache_write_1h_tokens;
          DROP INDEX usage_cost_corrects;
          DROP INDEX usage_cost_billing_period;
          ALTER TABLE usage_cost DROP COLUMN billing_period;
          DROP INDEX usage_cost_success; ALTER TABLE usage_cost DROP COLUMN output; DROP TABLE api_key; DROP TABLE api_key_change;
          DROP TABLE intervention;
          DROP TABLE alert; DROP TABLE balance; DROP TABLE closed_month; DROP TABLE condition; DROP TABLE role;
          DROP TABLE marker; DROP TABLE replica;
          DROP TABLE freeze; DROP TABLE provider_hold; DROP TABLE provider_hold_audit;
          DROP TABLE user_assignment; DROP TABLE assignment_audit;
          DELETE FROM grdb_migrations WHERE identifier > '2';
          """)
    }
    try ledger.close()
    let opened = try Ledger(path: folder.ledgerPath)
    #expect(try await opened.months(of: ["2026-10", "2026-11"], after: nil, limit: 100) == before)
    #expect(try await opened.texts(Self.balances) == balances && balances.count > 8)
    #expect(try await opened.count("usage_cost WHERE billing_period <> charge_period") == 0)
  }

  private static let balances = "SELECT scope || charge_period || amount_nano_usd FROM balance ORDER BY 1"

  @Test func `an address is a path behind sqlite, or a server's`() throws {
    #expect(try Ledger.path(ofURL: "sqlite://tollway-ledger.db") == "tollway-ledger.db")
    #expect(try Ledger.path(ofURL: "sqlite:///var/lib/a b.db") == "/var/lib/a b.db")
    #expect(try Ledger.path(ofURL: "postgres://anna:secret@host/db") == nil)
    for url in ["mysql://anna:secret@host/db", "sqlite://", "ledger.db", ""] {
      let error = #expect(throws: LedgerError.self) { try Ledger.path(ofURL: url) }
      #expect(error?.code == .configuration)
      #expect(error?.message.contains("sqlite://PATH") == true)
      #expect(error?.message.contains("secret") == false)
    }
  }
}
