import Foundation

/// A real Redis server. `shared()` is for tests that keep to their own keys, `dedicated()` for those that stop, restart,
/// pause or flush it.
package final class LiveRedis: Sendable {
  /// `redis://127.0.0.1:PORT/0`
  package let url: String

  private let own: OwnServer?

  private init(url: String, own: OwnServer?) {
    self.url = url
    self.own = own
  }

  private static let sharedServer = Task {
    if let given = ProcessInfo.processInfo.environment["TOLLWAY_TEST_REDIS_URL"] {
      return LiveRedis(url: given, own: nil)
    }
    return try await dedicated()
  }

  /// The server at `TOLLWAY_TEST_REDIS_URL`; without that, one started at the first call and ended with the tests.
  package static func shared() async throws -> LiveRedis { try await sharedServer.value }

  /// A server of the caller's own. It keeps its port over restarts, its data only when it is `durable`.
  package static func dedicated(durable: Bool = false) async throws -> LiveRedis {
    let own = try await OwnServer(.redis, options: durable ? ["--append-only"] : [])
    return LiveRedis(url: try own.value("url"), own: own)
  }

  package func start() async throws { try await own.required.start() }
  /// An orderly end.
  package func stop() async throws { try await own.required.stop() }
  /// An end by SIGKILL.
  package func crash() async throws { try await own.required.crash() }

  /// Runs one command through redis-cli and returns what that printed.
  package func command(_ arguments: String...) async throws -> String {
    try await FinishedCommand.run(["redis-cli", "-u", url] + arguments).checked()
  }
}
