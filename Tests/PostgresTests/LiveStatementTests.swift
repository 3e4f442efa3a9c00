import Synchronization
import TestKit
import Testing

@testable import Postgres

@Suite(.enabled(if: LivePostgres.isNamed)) struct LiveStatementTests {
  @Test func `values of all kinds come back as they went`() async throws {
    try await withDatabase { client, _ in
      let values: [[PostgresValue]] = [
        [.integer(.min), .text(""), .bytes([])],
        [.integer(.max), .text("it's \"quoted\" \\ ? $1 ü 名 👩‍👩‍👧 \u{1}\n"), .bytes(Array(0...255))],
        [.null, .null, .null],
        [.integer(0), .text(String(repeating: "x", count: 300_000)), .bytes([UInt8](repeating: 0xAB, count: 300_000))],
      ]
      let read = try await client.transaction(.write) { session in
        try session.execute("CREATE TEMPORARY TABLE t (a BIGINT, b TEXT, c BYTEA)")
        for row in values { #expect(try session.execute("INSERT INTO t VALUES (?, ?, ?)", row) == 1) }
        return try session.rows("SELECT * FROM t")
      }
      #expect(read.columns == ["a", "b", "c"])
      #expect(read.rows == values)
    }
  }

  @Test func `whole numbers of every width are integers, and what is not whole is text`() async throws {
    try await withDatabase { client, _ in
      let found = try await client.rows(
        """
        SELECT 1::smallint, 2::integer, 3::bigint, sum(n), count(*), true, false, 1.5, 1e30::numeric, 'x'::varchar
        FROM (VALUES (9007199254740993), (1)) AS v (n)
        """)
      #expect(
        found == [
          [
            .integer(1), .integer(2), .integer(3), .integer(9_007_199_254_740_994), .integer(2), .integer(1),
            .integer(0), .text("1.5"), .text("1" + String(repeating: "0", count: 30)), .text("x"),
          ]
        ])
    }
  }

  @Test func `ten thousand rows go in one call and come back in order`() async throws {
    try await withDatabase { client, _ in
      let lists = (0..<10_000).map {
        [PostgresValue.integer(Int64($0)), .text("row \($0)"), .bytes([UInt8($0 % 256)])]
      }
      let (batch, took) = try await client.transaction(.write) { session in
        try session.execute("CREATE TABLE t (n BIGINT PRIMARY KEY, b TEXT, c BYTEA)")
        let start = ContinuousClock.now
        let batch = try session.each("INSERT INTO t VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING n", lists)
        return (batch, start.duration(to: .now))
      }
      #expect(batch.columns == ["n"])
      #expect(batch.results == (0..<10_000).map { [[.integer(Int64($0))]] })
      print("10,000 rows inserted in \(took)")
      let again = try await client.transaction(.write) { session in
        try session.each("INSERT INTO t VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING n", lists)
      }
      #expect(again.results.allSatisfy { $0.isEmpty })
      #expect(again.results.count == 10_000)
      let none = try await client.transaction(.write) { try $0.each("SELECT ?", []) }
      #expect(none.results.isEmpty)
    }
  }

  @Test func `a batch larger than all buffers comes back whole`() async throws {
    try await withDatabase { client, _ in
      let large = PostgresValue.text(String(repeating: "x", count: 50_000))
      let batch = try await client.transaction(.write) { session in
        try session.each("SELECT ?::text || 'y' AS t", [[PostgresValue]](repeating: [large], count: 300))
      }
      #expect(batch.results.count == 300)
      #expect(batch.results.allSatisfy { $0.first?.first == .text(String(repeating: "x", count: 50_000) + "y") })
    }
  }

  @Test func `a scan sees every row, and ends when the body has enough`() async throws {
    struct Enough: Error {}
    try await withDatabase { client, _ in
      let sum = try await client.transaction(.snapshot) { session in
        var sum: Int64 = 0
        try session.scan("SELECT n FROM generate_series(1, ?) AS n", [.integer(100_000)]) { columns, row in
          #expect(columns == ["n"])
          if case .integer(let number) = row[0] { sum += number }
        }
        return sum
      }
      #expect(sum == 5_000_050_000)
      let before = try await client.backend()
      let after = try await client.transaction(.write) { session in
        var seen = 0
        #expect(throws: Enough.self) {
          try session.scan("SELECT n FROM generate_series(1, 100000) AS n", []) { _, _ in
            seen += 1
            if seen == 10 { throw Enough() }
          }
        }
        #expect(seen == 10)
        return try session.rows("SELECT pg_backend_pid()").rows.first?.first
      }
      #expect(after == before)
    }
  }

  @Test func `an error in the middle of a scan is thrown, and a statement inside of one refused`() async throws {
    try await withDatabase { client, _ in
      let division = await client.failure { session in
        try session.scan("SELECT 1 / (n - 5000) FROM generate_series(1, 10000) AS n", []) { _, _ in }
      }
      #expect(division?.sqlState == "22012")
      let inside = await client.failure { session in
        try session.scan("SELECT n FROM generate_series(1, 10000) AS n", []) { _, _ in _ = try session.rows("SELECT 1")
        }
      }
      #expect(inside?.code == .misuse)
      let after = try await client.rows("SELECT 1")
      #expect(after == [[.integer(1)]])
    }
  }

  @Test func `more statements than are kept are prepared anew`() async throws {
    try await withDatabase { client, _ in
      for round in 0..<2 {
        let sums = try await client.transaction(.write) { session in
          try (0..<300).map { try session.rows("SELECT \($0) + ?", [.integer(1)]).rows.first?.first }
        }
        #expect(sums == (1...300).map { .integer($0) }, "round \(round)")
      }
      let kept = try await client.rows("SELECT count(*) FROM pg_prepared_statements")
      guard case .integer(let count) = kept.first?.first else { return #expect(Bool(false)) }
      #expect(count > 0 && count <= 256)
    }
  }

  @Test func `a table that another program has changed is read again by the next call`() async throws {
    try await withDatabase { client, url in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT); INSERT INTO t VALUES (1)") }
      #expect(try await client.rows("SELECT * FROM t") == [[.integer(1)]])
      _ = try await LivePostgres.shared().query("ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'new'", database: url)
      let error = await client.failure(of: "SELECT * FROM t")
      #expect(error?.disposition == .reconnect)
      #expect(try await client.rows("SELECT * FROM t") == [[.integer(1), .text("new")]])
    }
  }

  @Test func `a text with a zero byte is refused, alone and in a batch, and harms nothing`() async throws {
    try await withDatabase { client, _ in
      let alone = await client.failure(of: "SELECT ?::text", [.text("a\0b")])
      let batch = await client.failure { session in
        _ = try session.each("SELECT ?::text", [[.text("a")], [.text("a\0b")], [.text("c")]])
      }
      #expect([alone, batch].map(\.?.code) == [.misuse, .misuse])
      let after = try await client.rows("SELECT ?::text", [.text("fine")])
      #expect(after == [[.text("fine")]])
    }
  }
}
