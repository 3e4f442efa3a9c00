import Foundation
import TestKit
import Testing

@testable import Postgres

@Suite(.enabled(if: LivePostgres.isNamed)) struct LiveOutageTests {
  @Test func `a killed backend fails the transaction, and the next call works`() async throws {
    let log = RecordingLog()
    try await withDatabase(log: log) { client, url in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT)") }
      try await withClient(url) { other in
        for inBatch in [false, true] {
          let (inserted, killed) = (Flag(), Flag())
          let backend = try #require(try await client.backend())
          async let failing = client.failure { session in
            try session.execute("INSERT INTO t VALUES (1)")
            inserted.raise()
            killed.waitOnThread()
            if inBatch {
              _ = try session.each("INSERT INTO t VALUES (?)", [[.integer(2)], [.integer(3)]])
            } else {
              try session.execute("INSERT INTO t VALUES (2)")
            }
          }
          try await waitUntil("the row is in") { inserted.isRaised }
          try await other.rows("SELECT pg_terminate_backend(?::integer)", [backend])
          killed.raise()
          let error = await failing
          #expect(error?.code == .connectionLost)
          #expect(error?.disposition == .reconnect)
          #expect(error?.isOutcomeUnknown == false)
          #expect(try await client.rows("SELECT count(*) FROM t") == [[.integer(0)]])
          #expect(try await client.backend() != backend)
        }
      }
    }
    #expect(log.outagesBegun == 2)
    #expect(log.outagesEnded == 2)
  }

  @Test func `a connection that died while nobody used it is replaced unseen`() async throws {
    let log = RecordingLog()
    try await withDatabase(log: log) { client, url in
      let backend = try #require(try await client.backend())
      try await withClient(url) { _ = try await $0.rows("SELECT pg_terminate_backend(?::integer)", [backend]) }
      #expect(try await client.backend() != backend)
    }
    #expect(log.outagesBegun == 0)
  }

  @Test func `a server that is down is told once, and used again when it is back`() async throws {
    let server = try await LivePostgres.dedicated()
    let log = RecordingLog()
    try await withClient(server.url, log: log) { client in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT); INSERT INTO t VALUES (7)") }
      for crash in [true, false] {
        if crash { try await server.crash() } else { try await server.stop() }
        for _ in 0..<3 {
          let error = await client.failure(of: "SELECT 1")
          #expect(error?.code == .unreachable)
          #expect(error?.message == "postgres cannot be reached: Connection refused")
        }
        try await server.start()
        #expect(try await client.rows("SELECT a FROM t") == [[.integer(7)]])
      }
    }
    #expect(log.outagesBegun == 2)
    #expect(log.outagesEnded == 2)
    try await server.stop()
  }

  @Test func `a commit whose answer was lost is of unknown outcome`() async throws {
    try await withRelay { client, address, relay in
      try await withClient(address) { away in
        let before = try await away.backend()
        let lost = await away.failure { session in
          try session.execute("INSERT INTO t VALUES (1)")
          relay.loseAnswer(to: "COMMIT")
        }
        #expect(lost?.code == .connectionLost)
        #expect(lost?.isOutcomeUnknown == true)
        try await waitUntil("the row is there") { try await client.rows("SELECT count(*) FROM t") == [[.integer(1)]] }
        #expect(try await away.backend() != before)
      }
    }
  }

  @Test func `a connection that falls silent is given up in time`() async throws {
    try await withRelay { client, address, relay in
      let hasty: (inout PostgresConfiguration) -> Void = { configuration in
        configuration.statementTimeout = .seconds(2)
        configuration.allowance = .seconds(1)
      }
      try await withClient(address, configure: hasty) { away in
        let (start, before) = (ContinuousClock.now, try await away.backend())
        let late = await away.failure { session in
          try session.execute("INSERT INTO t VALUES (1)")
          relay.fallSilent(at: "INSERT")
          try session.execute("INSERT INTO t VALUES (2)")
        }
        let took = start.duration(to: .now)
        #expect(late?.code == .deadlineExceeded)
        #expect(late?.disposition == .reconnect)
        #expect(took >= .seconds(3) && took < .seconds(40), "\(took)")
        #expect(try await away.backend() != before)
        #expect(try await client.rows("SELECT count(*) FROM t") == [[.integer(0)]])
      }
    }
  }

  /// A client that reaches the server and has made a table `t`, and the address of a relay to the same database.
  private func withRelay(_ body: (PostgresClient, _ address: String, Relay) async throws -> Void) async throws {
    try await withDatabase { client, url in
      let port = try #require(url.split(separator: "/").dropFirst().first?.split(separator: ":").last)
      let relay = try Relay(to: UInt16(port) ?? 0)
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT)") }
      try await body(client, url.replacing("127.0.0.1:\(port)", with: "127.0.0.1:\(relay.port)"), relay)
    }
  }

  @Test func `an address where nobody answers fails after the connect timeout`() async throws {
    let hole = try Relay(to: nil)
    let url = "postgres://anna:hunter2@127.0.0.1:\(hole.port)/ledger?connect_timeout=1"
    let log = RecordingLog()
    try await withClient(url, log: log) { client in
      let start = ContinuousClock.now
      let error = await client.failure(of: "SELECT 1")
      let took = start.duration(to: .now)
      #expect(error?.code == .unreachable)
      #expect(took >= .milliseconds(950) && took < .seconds(40), "\(took)")
    }
    #expect(log.outagesBegun == 1)
    #expect(!log.lines.map(\.text).joined().contains("hunter2"))
  }

  @Test func `a server that accepts and says nothing costs one of many its time`() async throws {
    let hole = try Relay(to: nil)
    let url = "postgres://anna@127.0.0.1:\(hole.port)/ledger?connect_timeout=2"
    try await withClient(url) { client in
      let start = ContinuousClock.now
      let errors = await withTaskGroup(of: PostgresError?.self) { group in
        for _ in 1...20 { group.addTask { await client.failure(of: "SELECT 1") } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let took = start.duration(to: .now)
      #expect(errors.count == 20 && errors.allSatisfy { $0?.code == .unreachable })
      #expect(took < .seconds(20), "\(took)")  // one after the other it would be 40
    }
  }

  @Test func `a server that falls silent between two transactions is found out as soon as one that cannot be reached`()
    async throws
  {
    try await withRelay { _, address, relay in
      let hasty: (inout PostgresConfiguration) -> Void = { $0.connectTimeout = .seconds(1) }
      try await withClient(address, configure: hasty) { away in
        _ = try await away.backend()
        relay.fallSilent(at: "BEGIN")
        let start = ContinuousClock.now
        let late = await away.failure(of: "SELECT 1")
        #expect(late?.code == .deadlineExceeded)
        #expect(await away.failure(of: "SELECT 1")?.code == .deadlineExceeded)
        #expect(start.duration(to: .now) < .seconds(40))  // a statement would be waited for 70
        try await waitUntil("it is tried again") { await away.failure(of: "SELECT 1") == nil }
      }
    }
  }

  @Test func `the second host is used where the first does not answer`() async throws {
    let port = try freePort()
    try await LivePostgres.shared().withDatabase { url in
      let several = url.replacing("127.0.0.1:", with: "127.0.0.1:\(port),127.0.0.1:")
      let found = try await withClient(several) { try await $0.rows("SELECT 1") }
      #expect(found == [[.integer(1)]])
    }
  }

  @Test func `refused credentials are a matter of configuration and never told`() async throws {
    let shared = try await LivePostgres.shared()
    let name = Namespace.unique()
    let refused = [
      (shared.url.replacing("tollway@", with: "\(name):hunter2@"), "28000"),
      (shared.url.replacing("/postgres", with: "/hunter2-\(name)"), "3D000"),
    ]
    for (url, state) in refused {
      let log = RecordingLog()
      try await withClient(url, log: log) { client in
        let error = await client.failure(of: "SELECT 1")
        #expect(error?.code == .configuration)
        #expect(error?.sqlState == state)
        #expect(error.map { "\($0)".contains("hunter2") } == false)
      }
      #expect(!log.lines.map(\.text).joined().contains(":hunter2"))
    }
  }

  @Test func `a cancelled task commits nothing and leaves a client that works`() async throws {
    try await withDatabase { client, url in
      try await client.transaction(.write) { try $0.run(script: "CREATE TABLE t (a BIGINT)") }
      let inserted = Flag()
      let start = ContinuousClock.now
      let waiting = Task {
        await client.failure { session in
          try session.execute("INSERT INTO t VALUES (1)")
          inserted.raise()
          _ = try session.rows("SELECT pg_sleep(60)")
        }
      }
      try await waitUntil("the row is in") { inserted.isRaised }
      waiting.cancel()
      #expect(await waiting.value?.code == .cancelled)
      #expect(start.duration(to: .now) < .seconds(50))  // it would sleep for 60
      let early = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return await client.failure(of: "INSERT INTO t VALUES (2)")
      }
      #expect(await early.value?.code == .cancelled)
      let late = Task {
        await client.failure { session in
          try session.execute("INSERT INTO t VALUES (3)")
          withUnsafeCurrentTask { $0?.cancel() }
        }
      }
      #expect(await late.value?.code == .cancelled)
      #expect(try await client.rows("SELECT count(*) FROM t") == [[.integer(0)]])
    }
  }

  @Test func `a closed client refuses`() async throws {
    try await withDatabase { client, _ in
      try await client.rows("SELECT 1")
      await client.close()
      await client.close()
      #expect(await client.failure(of: "SELECT 1")?.code == .closed)
    }
  }
}
