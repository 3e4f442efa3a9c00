import Catalog
import Contracts
import Foundation
import TestKit

@testable import Providers

/// The fake provider of `Tests/Fakes/openai_server.py` as a process of its own, with an `OpenAIProvider` that calls it
/// over a real socket. Call `end` at the end of a test.
final class FakeOpenAI: Sendable {
  let provider: OpenAIProvider
  let directory: TestDirectory
  let baseURL: String
  private let process: TestKit.ChildProcess

  init(
    arguments: [String] = [], keyVariable: String? = nil, environment: [String: String] = [:],
    timeout: Duration = .seconds(30)
  ) async throws {
    directory = try TestDirectory("openai")
    let script = TestDirectory.packageRoot.appending(path: "Tests/Fakes/openai_server.py").path
    let process = try TestKit.ChildProcess(
      "openai-server", ["python3", script, "--log", directory.file("log").path] + arguments, in: directory)
    try await waitUntil("the fake server printed its port") { try process.output.hasSuffix("\n") }
    baseURL = "http://127.0.0.1:\(try process.output.dropLast())/v1/"
    self.process = process
    provider = OpenAIProvider(
      definition(named: "fake", kind: .openai, baseURL: baseURL, keyVariable: keyVariable, timeout: timeout),
      http: testHTTP, artifacts: ArtifactStore(directory: directory.file("artifacts").path), environment: environment)
  }

  /// The lines of its log.
  func log() throws -> [JSONValue] {
    try String(contentsOf: directory.file("log"), encoding: .utf8).split(separator: "\n").map {
      try JSONParser.parse(Array($0.utf8)).root
    }
  }

  func end() async throws {
    process.signal(SIGTERM)
    _ = try await process.end()
  }
}

func definition(
  named name: String, kind: ProviderDefinition.Kind, baseURL: String? = nil, keyVariable: String? = nil,
  keyFile: String? = nil, timeout: Duration = .seconds(30), command: [String] = []
) -> ProviderDefinition {
  ProviderDefinition(
    name: name, kind: kind, baseURL: baseURL, apiKeyVariable: keyVariable, apiKeyFile: keyFile, timeout: timeout,
    command: command, isolation: .shared)
}
