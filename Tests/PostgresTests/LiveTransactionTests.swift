import TestKit
import Testing

@testable import Postgres

@Suite(.enabled(if: LivePostgres.isNamed)) struct LiveTransactionTests {
  private struct Refusal: Error {}

  @Test func `what the body throws undoes everything and comes out`() async throws {
    try await withDatabase { client, _ in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT)") }
      let before = try await client.backend()
      await #expect(throws: Refusal.self) {
        try await client.transaction(.write) { session in
          try session.execute("INSERT INTO t VALUES (1)")
          throw Refusal()
        }
      }
      #expect(try await client.rows("SELECT count(*) FROM t") == [[.integer(0)]])
      #expect(try await client.backend() == before)
    }
  }

  @Test func `errors are told apart, lose the values and leave the connection usable`() async throws {
    try await withDatabase { client, _ in
      let script = """
        CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT);
        CREATE FUNCTION fail(state text) RETURNS void LANGUAGE plpgsql AS
          'BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = ''told'', DETAIL = ''hunter2''; END'
        """
      try await client.transaction(.write) { try $0.run(script: script) }
      let before = try await client.backend()
      let twice = await client.failure { session in
        _ = try session.each(
          "INSERT INTO t VALUES (?, 'hunter2')", [[.integer(77_123)], [.integer(77_123)], [.integer(2)]])
      }
      #expect(twice?.sqlState == "23505")
      #expect(twice?.code == .server)
      #expect(twice?.message.contains("t_pkey") == true)
      #expect(twice?.message.contains("77123") == false)
      let syntax = await client.failure(of: "SELEKT 1")
      #expect(syntax?.sqlState == "42601")
      let value = await client.failure(of: "SELECT ?::bigint", [.text("hunter2")])
      #expect(value?.sqlState == "22P02")
      #expect(value?.message.contains("hunter2") == false)
      let full = await client.failure(of: "SELECT fail(?)", [.text("53100")])
      #expect(full?.code == .diskFull)
      #expect(full?.message == "postgres: told")
      #expect(await client.failure(of: "SELECT fail(?)", [.text("40P01")])?.code == .busy)
      let reading = await client.failure(.snapshot) { _ = try $0.rows("CREATE TABLE u (a BIGINT)") }
      #expect(reading?.sqlState == "25006")
      #expect(try await client.rows("SELECT count(*) FROM t") == [[.integer(0)]])
      #expect(before != nil)
    }
  }

  @Test func `a body that hides an error cannot commit`() async throws {
    try await withDatabase { client, _ in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT PRIMARY KEY)") }
      let hidden = await client.failure { session in
        try session.execute("INSERT INTO t VALUES (1)")
        do { try session.execute("INSERT INTO t VALUES (1)") } catch {}
      }
      #expect(hidden?.code == .misuse)
      #expect(hidden?.isOutcomeUnknown == false)
      #expect(try await client.rows("SELECT count(*) FROM t") == [[.integer(0)]])
    }
  }

  @Test func `a snapshot sees one moment, a write sees what others have committed`() async throws {
    try await withDatabase { client, url in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT)") }
      try await withClient(url) { other in
        for (kind, expected) in [(PostgresTransaction.snapshot, 0), (.write, 1)] {
          let (locked, done) = (Flag(), Flag())
          async let counts = client.transaction(kind) { session in
            let before = try session.rows("SELECT count(*) FROM t").rows
            locked.raise()
            done.waitOnThread()
            return [before, try session.rows("SELECT count(*) FROM t").rows]
          }
          try await waitUntil("the first count was made") { locked.isRaised }
          try await other.rows("INSERT INTO t VALUES (1)")
          done.raise()
          let found = try await counts
          #expect(found[0] == [[.integer(0)]])
          #expect(found[1] == [[.integer(Int64(expected))]])
          try await other.rows("DELETE FROM t")
        }
      }
    }
  }

  @Test func `a lock that is not given up makes the other busy, and a statement that takes too long is ended`()
    async throws
  {
    try await withDatabase { client, url in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT)") }
      let hasty: (inout PostgresConfiguration) -> Void = { configuration in
        configuration.lockTimeout = .milliseconds(500)
        configuration.statementTimeout = .seconds(3)
      }
      try await withClient(url, configure: hasty) { other in
        let (locked, done) = (Flag(), Flag())
        async let holding: Void = client.transaction(.write) { session in
          try session.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
          locked.raise()
          done.waitOnThread()
        }
        try await waitUntil("the table is locked") { locked.isRaised }
        #expect(await other.failure(of: "SELECT * FROM t")?.code == .busy)
        done.raise()
        try await holding
        let before = try await other.backend()
        let long = await other.failure(of: "SELECT pg_sleep(60)")
        #expect(long?.code == .interrupted)
        #expect(long?.disposition == .retry)
        try await other.transaction(.unhurried) { _ = try $0.rows("SELECT pg_sleep(4)") }
        #expect(await other.failure(of: "SELECT pg_sleep(60)")?.sqlState == "57014")
        #expect(try await other.backend() == before)
      }
    }
  }

  @Test func `two transactions that wait for each other are both told, one of them to try again`() async throws {
    try await withDatabase { client, url in
      try await client.transaction(.write) {
        try $0.run(script: "CREATE TABLE t (a BIGINT, b BIGINT); INSERT INTO t VALUES (1, 0), (2, 0)")
      }
      try await withClient(url) { other in
        let (first, second) = (Flag(), Flag())
        @Sendable func change(_ session: PostgresSession, _ order: [Int64], _ mine: Flag, _ theirs: Flag) throws {
          try session.execute("UPDATE t SET b = b + 1 WHERE a = ?", [.integer(order[0])])
          mine.raise()
          theirs.waitOnThread()
          try session.execute("UPDATE t SET b = b + 1 WHERE a = ?", [.integer(order[1])])
        }
        async let left = client.failure { try change($0, [1, 2], first, second) }
        async let right = other.failure { try change($0, [2, 1], second, first) }
        let failures = await [left, right].compactMap(\.self)
        #expect(failures.map(\.sqlState) == ["40P01"])
        #expect(failures.map(\.code) == [.busy])
        let sum = try await client.rows("SELECT sum(b) FROM t")
        #expect(sum == [[.integer(2)]])
      }
    }
  }

  @Test func `a session commits to disk whatever the database is set to`() async throws {
    try await LivePostgres.shared().withDatabase { url in
      let name = try #require(url.split(separator: "/").last)
      _ = try await LivePostgres.shared().query("ALTER DATABASE \"\(name)\" SET synchronous_commit = off")
      try await withClient(url) { client in
        let settings = try await client.rows(
          """
          SELECT current_setting(name)
          FROM unnest('{synchronous_commit,statement_timeout,lock_timeout,application_name}'::text[]) AS name
          """)
        #expect(settings == ["on", "1min", "10s", "tollway"].map { [.text($0)] })
      }
    }
  }
}
