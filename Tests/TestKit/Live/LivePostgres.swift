import Foundation

/// A real PostgreSQL server. `shared()` is for tests that keep to a database of their own, `dedicated()` for those that
/// stop or restart it.
package final class LivePostgres: Sendable {
  /// Of the database `postgres`, in which nothing should be left: `postgres://tollway@127.0.0.1:PORT/postgres`
  package let url: String

  private let own: OwnServer?

  private init(url: String, own: OwnServer?) {
    self.url = url
    self.own = own
  }

  private static let sharedServer = Task {
    if let given = ProcessInfo.processInfo.environment["TOLLWAY_TEST_POSTGRES_URL"] {
      return LivePostgres(url: given, own: nil)
    }
    return try await dedicated()
  }

  /// The server at `TOLLWAY_TEST_POSTGRES_URL`; without that, one started at the first call and ended with the tests.
  package static func shared() async throws -> LivePostgres { try await sharedServer.value }

  /// Whether a server is named for the tests; those that need one are skipped otherwise.
  package static var isNamed: Bool { ProcessInfo.processInfo.environment["TOLLWAY_TEST_POSTGRES_URL"] != nil }

  /// A server of the caller's own. It keeps its port and its data over restarts.
  package static func dedicated() async throws -> LivePostgres {
    let own = try await OwnServer(.postgres, options: [])
    return LivePostgres(url: try own.value("url"), own: own)
  }

  package func start() async throws { try await own.required.start() }
  /// An orderly end, which ends the connections too.
  package func stop() async throws { try await own.required.stop() }
  /// An end by SIGKILL, of all its processes.
  package func crash() async throws { try await own.required.crash() }

  /// Makes an empty database and removes it behind the body, whoever is still connected to it.
  package func withDatabase<Value>(_ body: (_ url: String) async throws -> Value) async throws -> Value {
    let name = Namespace.unique()
    _ = try await query("CREATE DATABASE \"\(name)\"")
    let result: Result<Value, any Error>
    do {
      result = .success(try await body(address(of: name)))
    } catch {
      result = .failure(error)
    }
    _ = try await query("DROP DATABASE \"\(name)\" WITH (FORCE)")
    return try result.get()
  }

  /// Runs one statement through psql and returns the rows, a line each, the columns divided by `|`.
  /// - Parameter database: its URL; without it, that of the server.
  package func query(_ sql: String, database: String? = nil) async throws -> String {
    let command = ["psql", database ?? url, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql]
    return try await FinishedCommand.run(command).checked()
  }

  private func address(of database: String) -> String {
    let base = url.prefix { $0 != "?" }
    let options = url.dropFirst(base.count)
    return base[...(base.lastIndex(of: "/") ?? base.startIndex)] + database + options
  }
}
