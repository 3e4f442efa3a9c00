import AMQP
import Contracts
import Foundation
import TestKit
import Testing

/// `tollway` from outside, with a ledger of its own, a real Redis and a real broker.
struct CommandBench {
  let directory: TestDirectory
  let redis: LiveRedis
  private let broker: LiveBroker
  private let namespace = Namespace.unique()

  /// A Redis that does not answer.
  static let nowhere = "redis://127.0.0.1:1/0"

  init(_ name: String) async throws {
    directory = try TestDirectory(name)
    redis = try await LiveRedis.shared()
    broker = try await LiveBroker.shared()
    try await run("ledger init").checked()
  }

  /// - Parameters:
  ///   - line: what follows `tollway`, without quotes.
  ///   - url: in the place of the real Redis.
  ///   - policy: path of the policy file; the built-in one where it is empty.
  ///   - others: further variables, in the place of those set here.
  func run(
    _ line: String, redis url: String? = nil, policy: String = "", _ others: [String: String] = [:]
  ) async throws -> FinishedCommand {
    try await TollwayExecutable.run(
      line.split(separator: " ").map(String.init),
      environment: [
        "TOLLWAY_AMQP_URL": broker.url, "TOLLWAY_REDIS_URL": url ?? redis.url, "TOLLWAY_NAMESPACE": namespace,
        "TOLLWAY_POLICY": policy, "TOLLWAY_LEDGER_URL": "sqlite://\(directory.file("ledger.db").path)",
      ].merging(others) { $1 })
  }

  func object(_ line: String) async throws -> [String: Any] { try #require(try await json(line) as? [String: Any]) }

  func rows(_ line: String) async throws -> [[String: Any]] { try #require(try await json(line) as? [[String: Any]]) }

  private func json(_ line: String) async throws -> Any {
    let text = try await run(line + " --format json").checked()
    return try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  /// The broker's sign that the fleet has had API keys.
  func forgetKeys() async throws {
    try await AMQPAdmin.with(try AMQPConfiguration(url: broker.url, name: "command-tests")) { admin in
      try await admin.exchangeDelete(Topology(namespace: namespace).keyed)
    }
  }

  /// The full name of one of the fleet's keys.
  func key(_ name: String) -> String { "\(namespace).{tollway.\(namespace)}:\(name)" }
}
