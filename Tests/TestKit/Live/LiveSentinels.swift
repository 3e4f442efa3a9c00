import Foundation

/// A Redis primary with a replica, and three sentinels that let the replica take over when the primary has not answered
/// for a second. Always the caller's own; ready after about three seconds. Nothing is durable.
package final class LiveSentinels: Sendable {
  /// The two Redis servers.
  package enum Server: String, Sendable {
    /// The primary at first.
    case first = "redis-1"
    case second = "redis-2"
  }

  /// `redis+sentinel://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT/tollway/0`
  package let url: String
  /// Of the sentinels, in the order of the URL.
  package let ports: [Int]

  private let own: OwnServer

  private init(own: OwnServer) throws {
    self.own = own
    url = try own.value("url")
    ports = try (1...3).map { Int(try own.value("sentinel-\($0)/port")) ?? 0 }
  }

  package static func dedicated() async throws -> LiveSentinels {
    try LiveSentinels(own: try await OwnServer(.sentinels, options: []))
  }

  /// An orderly end of all five.
  package func stop() async throws { try await own.stop() }

  /// An end by SIGKILL.
  package func crash(_ server: Server) async throws { try await own.crash(member: server.rawValue) }

  /// As above, of the sentinel at that place in `ports`.
  package func crashSentinel(_ index: Int) async throws { try await own.crash(member: "sentinel-\(index + 1)") }

  /// Runs one command on a Redis server through redis-cli and returns what that printed.
  package func command(_ server: Server, _ arguments: String...) async throws -> String {
    let port = try own.value("\(server.rawValue)/port")
    return try await FinishedCommand.run(["redis-cli", "-p", port] + arguments).checked()
  }

  /// Has the sentinels exchange the primary and its replica while both are well; returns when they begin.
  package func failOver() async throws {
    try await FinishedCommand.run(["redis-cli", "-p", "\(ports[0])", "-e", "sentinel", "failover", "tollway"]).checked()
  }
}
