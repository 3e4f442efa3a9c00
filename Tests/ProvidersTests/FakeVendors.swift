import Catalog
import Contracts
import Foundation
import TestKit

@testable import Providers

/// `Tests/Fakes/vendors.py` as a process of its own: several providers' wire shapes over real sockets. Call `end` at
/// the end of a test.
final class FakeVendors: Sendable {
  static let key = "sk-0123456789abcdef"
  static let script = TestDirectory.packageRoot.appending(path: "Tests/Fakes/vendors.py").path

  let directory: TestDirectory
  private let address: String
  private let process: TestKit.ChildProcess

  init() async throws {
    directory = try TestDirectory("vendors")
    let process = try TestKit.ChildProcess(
      "vendors", ["python3", Self.script, "--log", directory.file("log").path, "--api-key", Self.key], in: directory)
    try await waitUntil("the fake providers printed their port") { try process.output.hasSuffix("\n") }
    address = "http://127.0.0.1:\(try process.output.dropLast())"
    self.process = process
  }

  var artifacts: ArtifactStore { ArtifactStore(directory: directory.file("artifacts").path) }

  /// A provider of that kind whose every call is answered in that way.
  func definition(
    _ kind: ProviderDefinition.Kind, doing behaviour: String = "ok", timeout: Duration = .seconds(30),
    firstToken: Duration = .seconds(15), idle: Duration = .seconds(10)
  ) -> ProviderDefinition {
    ProviderDefinition(
      name: kind.rawValue, kind: kind, baseURL: "\(address)/do/\(behaviour)\(kind == .openai ? "/v1" : "")",
      apiKeyVariable: "FAKE_KEY", apiKeyFile: nil, timeout: timeout, command: [], isolation: .shared,
      firstTokenTimeout: firstToken, idleTimeout: idle)
  }

  /// The starts of calls that have reached it.
  func calls() throws -> [JSONValue] { try Self.calls(in: directory.file("log")) }

  static func calls(in log: URL) throws -> [JSONValue] {
    guard FileManager.default.fileExists(atPath: log.path) else { return [] }
    return try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map {
      try JSONParser.parse(Array($0.utf8)).root
    }.filter { $0["event"]?.string == "start" }
  }

  func end() async throws {
    process.signal(SIGTERM)
    _ = try await process.end()
  }
}
