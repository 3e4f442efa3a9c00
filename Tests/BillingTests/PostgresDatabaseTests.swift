import Foundation
import TestKit
import Testing

@testable import Billing

@Suite(.enabled(if: LivePostgres.isNamed)) struct PostgresDatabaseTests {
  private func withDatabase(
    _ body: (_ database: PostgresDatabase, _ url: String) async throws -> Void
  ) async throws {
    try await LivePostgres.shared().withDatabase { url in
      let database = try PostgresDatabase(url: url)
      try await body(database, url)
      database.close()
    }
  }

  @Test func `neither readers nor writers wait for a long report`() async throws {
    try await withDatabase { database, _ in
      _ = try await database.read { try $0.rows("SELECT 1") }
      let start = ContinuousClock.now
      let report = Task { try await database.readUnhurried { try $0.rows("SELECT pg_sleep(60)").count } }
      try await Task.sleep(for: .milliseconds(200))  // so that it has begun, most likely
      #expect(try await database.read { try $0.rows("SELECT 1").count } == 1)
      #expect(try await database.write { try $0.rows("SELECT 1").count } == 1)
      #expect(start.duration(to: .now) < .seconds(50))
      report.cancel()
      await #expect(throws: LedgerError.self) { try await report.value }
    }
  }

  @Test func `its tables have the columns of the SQLite file`() async throws {
    try await withDatabase { database, _ in
      let folder = try TemporaryFolder()
      let file = try SQLiteDatabase(path: folder.ledgerPath)
      let inFile = try await file.read { session in
        try session.rows(
          """
          SELECT m.name AS table_name, c.name AS column_name, c.type AS type, c."notnull" OR c.pk > 0 AS required
          FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
          WHERE m.type = 'table' AND m.name NOT IN ('grdb_migrations', 'sqlite_sequence')
          """
        ).map { row in
          let type = ["INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"][try row.text("type")] ?? "?"
          return "\(try row.text("table_name")).\(try row.text("column_name")) \(type) \(try row.int("required"))"
        }
      }
      let inServer = try await database.read { session in
        try session.rows(
          """
          SELECT table_name, column_name, data_type AS type, is_nullable = 'NO' AS required
          FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migration'
          """
        ).map { row in
          "\(try row.text("table_name")).\(try row.text("column_name")) \(try row.text("type")) \(try row.int("required"))"
        }
      }
      #expect(inFile.sorted() == inServer.sorted())
      #expect(inFile.count > 80)
      try file.close()
    }
  }

  @Test func `eight processes that start at once make the tables once`() async throws {
    try await LivePostgres.shared().withDatabase { url in
      let databases = try (0..<8).map { _ in try PostgresDatabase(url: url) }
      try await withThrowingTaskGroup(of: Int.self) { group in
        for database in databases {
          group.addTask {
            try await database.write {
              try $0.rows("SELECT count(*) AS steps FROM schema_migration").first?.int("steps") ?? 0
            }
          }
        }
        for try await steps in group { #expect(steps == 5) }
      }
      for database in databases { database.close() }
    }
  }

  @Test func `tables of the release before get what was added since`() async throws {
    try await withDatabase { database, url in
      try await database.write { session in
        try session.execute("INSERT INTO marker (epoch) VALUES ('e')", [])
        for statement in [
          "DROP INDEX usage_cost_billing_period", "ALTER TABLE marker ADD UNIQUE (epoch)",
          "ALTER TABLE replica DROP COLUMN lag_ms", "INSERT INTO replica VALUES ('old', '', 1)",
          "DROP TABLE api_key, api_key_change, intervention", "DROP INDEX usage_cost_success",
          "ALTER TABLE usage_cost DROP COLUMN output",
          "DELETE FROM schema_migration WHERE version > 5",
        ] { try session.execute(statement, []) }
      }
      let opened = try PostgresDatabase(url: url)
      let numbers = try await opened.write { session in
        try ["e", "e"].map {
          try session.row("INSERT INTO marker (epoch) VALUES (?) RETURNING number", [.text($0)])?.int("number") ?? 0
        }
      }
      #expect(numbers == [2, 3])
      #expect(try await opened.read { try $0.rows("SELECT lag_ms FROM replica")[0].int("lag_ms") } == 0)
      opened.close()
    }
  }

  @Test func `tables of a newer version are left alone`() async throws {
    try await LivePostgres.shared().withDatabase { url in
      let script = "CREATE TABLE schema_migration (version BIGINT, applied_at TEXT); "
      _ = try await LivePostgres.shared().query(script + "INSERT INTO schema_migration VALUES (99, '')", database: url)
      let database = try PostgresDatabase(url: url)
      for _ in 0..<2 {
        let error = await #expect(throws: LedgerError.self) { try await database.read { _ in } }
        #expect(error?.code == .newerSchema)
      }
      database.close()
    }
  }

  @Test(arguments: [
    "usage_cost", "closed_month", "assignment_audit", "freeze", "provider_hold_audit", "api_key", "api_key_change",
  ])
  func `rows that are an account are neither changed nor removed`(table: String) async throws {
    let values = [
      "usage_cost": """
      INSERT INTO usage_cost (event_id, job_id, run, attempt, user_id, tier, task_type, provider, model, outcome, usage,
        amount_nano_usd, basis, charge_period, occurred_at, recorded_at, billing_period)
      VALUES ('e', 'j', 'r', 1, 'u', 't', 'tts', 'p', 'm', 'success', '[]', 1, 'provider', '2026-11', '', '', '2026-11')
      """,
      "closed_month": "INSERT INTO closed_month VALUES ('2026-11', '', 'x', 'y', 1, 2)",
      "assignment_audit":
        "INSERT INTO assignment_audit (user_id, changed_at, changed_by, reason) VALUES ('u', '', '', 'r')",
      "freeze":
        "INSERT INTO \"freeze\" (freeze_id, state, changed_at, changed_by, reason) VALUES ('f', 'off', '', '', 'r')",
      "provider_hold_audit": """
      INSERT INTO provider_hold_audit (provider, change, changed_at, changed_by, reason) VALUES ('p', 'hold', '', '', 'r')
      """,
      "api_key": "INSERT INTO api_key VALUES ('k', 'n', 'h', 'read', '*', '', '', 'r')",
      "api_key_change":
        "INSERT INTO api_key_change (key_id, change, changed_at, changed_by, reason) VALUES ('k', 'create', '', '', 'r')",
    ]
    try await withDatabase { database, _ in
      let insert = try #require(values[table])
      #expect(try await database.write { try $0.execute(insert, []) } == 1)
      let reason = table == "usage_cost" ? "basis" : table == "closed_month" ? "closed_by" : "reason"
      for change in ["UPDATE \"\(table)\" SET \(reason) = 'other'", "DELETE FROM \"\(table)\""] {
        let error = await #expect(throws: LedgerError.self) { try await database.write { try $0.execute(change, []) } }
        #expect(error?.code == .unexpected)
        #expect(error?.message.contains("append-only") == true)
      }
      #expect(try await database.read { try $0.rows("SELECT * FROM \"\(table)\"").count } == 1)
    }
  }

  @Test func `a zero byte in a text is kept as a mark`() async throws {
    try await withDatabase { database, _ in
      let found = try await database.read { try $0.row("SELECT ?::text AS text", [.text("a\0b")])?.text("text") }
      #expect(found == "a\u{FFFD}b")
    }
  }

  @Test func `large bodies are told apart by all of their bytes`() async throws {
    try await withDatabase { database, _ in
      var generator = SystemRandomNumberGenerator()
      let body = (0..<16_384).map { _ in UInt8.random(in: 0...255, using: &generator) }
      var other = body
      other[16_383] ^= 1
      let insert = """
        INSERT INTO quarantined_event (event_id, reason, body, body_bytes, received_at) VALUES (NULL, 'r', ?, ?, '')
        ON CONFLICT DO NOTHING
        """
      let counts = try await database.write { [other] session in
        try [(body, 16_384), (body, 16_384), (other, 16_384), (body, 20_000)].map { body, count in
          try session.execute(insert, [.bytes(body), .integer(Int64(count))])
        }
      }
      #expect(counts == [1, 0, 1, 1])
    }
  }

  @Test func `a server that is away is no reason to give up, and a wrong address is`() async throws {
    let port = try freePort()
    let database = try PostgresDatabase(url: "postgres://u@127.0.0.1:\(port)/db")
    let error = await #expect(throws: LedgerError.self) { try await database.read { _ in } }
    #expect(error?.code == .unavailable)
    #expect(error?.disposition == .retry)
    let address = #expect(throws: LedgerError.self) { try PostgresDatabase(url: "postgres://u:hunter2@h:port/db") }
    #expect(address?.code == .configuration)
    #expect(address?.message.contains("hunter2") == false)
  }
}
