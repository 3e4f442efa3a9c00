import Foundation
import TestKit
import Testing

/// Commands at an address where no ledger is, which may have been mistyped.
struct MissingLedgerTests {
  private static let commands = [
    "ledger report", "ledger months", "ledger close 2026-01", "ledger reconcile --without-redis",
    "ledger reprice --from 2026-01-01 --dry-run", "users list", "users show ana", "users unset ana",
    "freeze off", "freeze status", "providers release openai",
  ]

  private let directory: TestDirectory
  private let redis: LiveRedis
  private let namespace = Namespace.unique()

  init() async throws {
    directory = try TestDirectory("missing")
    redis = try await LiveRedis.shared()
  }

  private func run(_ line: String, at address: String, log: String = "") async throws -> FinishedCommand {
    try await TollwayExecutable.run(
      line.split(separator: " ").map(String.init),
      environment: [
        "TOLLWAY_REDIS_URL": redis.url, "TOLLWAY_NAMESPACE": namespace, "TOLLWAY_LEDGER_URL": address,
        "TOLLWAY_LOG": log, "PGPASSWORD": "",
      ])
  }

  private func expectRefusal(_ command: String, at address: String) async throws {
    let finished = try await run(command, at: address)
    #expect(finished.ending == .exited(1) && finished.output.isEmpty, "\(command)")
    let lines = finished.errors.split(separator: "\n")
    #expect(lines.count == 2 && lines.first?.contains("there is no ledger") == true, "\(finished.errors)")
    #expect(lines.last?.contains("tollway ledger init makes a new one there") == true, "\(finished.errors)")
  }

  @Test(arguments: commands) func `no file is made where none is`(command: String) async throws {
    let path = directory.file("none.db").path
    try await expectRefusal(command, at: "sqlite://\(path)")
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test(.enabled(if: LivePostgres.isNamed), arguments: commands)
  func `no table is made where none is`(command: String) async throws {
    try await LivePostgres.shared().withDatabase { url in
      try await expectRefusal(command, at: url)
      let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
      #expect(try await LivePostgres.shared().query(tables, database: url) == "0\n")
    }
  }

  @Test(arguments: ["users set ana --jobs 1", "freeze on", "providers hold openai"])
  func `what is laid down makes a ledger where none is, and says so once`(command: String) async throws {
    let path = directory.file("made.db").path
    for notices in [1, 0] {
      let finished = try await run(command, at: "sqlite://\(path)")
      #expect(finished.ending == .exited(0), "\(finished.errors)")
      #expect(finished.errors.split(separator: "\n").count == notices)
    }
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test func `providers are listed without a ledger, and doctor takes it for one that is yet to be made`() async throws
  {
    let address = "sqlite://\(directory.file("none.db").path)"
    let listed = try await run("providers", at: address)
    #expect(listed.ending == .exited(0) && listed.output.contains("openai"))
    #expect(listed.errors.contains("who holds what, and why, is not known: there is no ledger at /"))
    #expect(try await run("doctor", at: address).output.contains(#/· ledger +\S+none.db is not there yet/#))
    #expect(!FileManager.default.fileExists(atPath: directory.file("none.db").path))
  }

  @Test func `init makes one, as often as it is asked to`() async throws {
    let address = "sqlite://\(directory.file("new.db").path)"
    for _ in 1...2 { try await run("ledger init", at: address).checked() }
    #expect(try await run("ledger report", at: address).checked().contains("total"))
    #expect(try await run("doctor", at: address).output.contains(#/✓ ledger +\S+new.db opens/#))
  }

  @Test func `init makes the tables in PostgreSQL`() async throws {
    try await LivePostgres.shared().withDatabase { url in
      #expect(try await run("doctor", at: url).output.contains("· ledger"))
      for _ in 1...2 { try await run("ledger init", at: url).checked() }
      #expect(try await run("ledger report", at: url).checked().contains("total"))
      #expect(try await run("doctor", at: url).output.contains("✓ ledger"))
    }
  }

  @Test func `a server that is away is told in two lines, and by the log only when it is asked for`() async throws {
    let nowhere = "postgres://u@127.0.0.1:1/db"
    for command in ["ledger report", "users list", "ledger init"] {
      let finished = try await run(command, at: nowhere)
      #expect(finished.ending == .exited(75))
      #expect(finished.errors.split(separator: "\n").count == 2, "\(finished.errors)")
    }
    #expect(try await run("users list", at: nowhere, log: "info").errors.contains("postgres cannot be reached"))
  }
}
