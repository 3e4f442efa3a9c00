import Catalog
import Contracts
import Foundation
import TestKit

@testable import Providers

/// A fake provider of `Tests/Fakes` as a process of its own, with an `OpenAIProvider` that calls it over a real socket.
/// Call `end` at the end of a test.
final class FakeOpenAI: Sendable {
  enum Server: String {
    /// Answers in one document, also who asked for a stream.
    case plain = "openai_server.py"
    /// Streams, makes videos, and misbehaves as the name of the model says: `fault-503,ok`.
    case faulty = "provider.py"
  }

  let provider: OpenAIProvider
  let directory: TestDirectory
  let baseURL: String
  /// As it printed them.
  let ports: [String]
  private let entry: ProviderDefinition
  private let process: TestKit.ChildProcess

  init(
    _ server: Server = .plain, arguments: [String] = [], keyVariable: String? = nil,
    environment: [String: String] = [:], timeout: Duration = .seconds(30), firstToken: Duration = .seconds(15),
    idle: Duration = .seconds(10)
  ) async throws {
    directory = try TestDirectory("openai")
    let script = TestDirectory.packageRoot.appending(path: "Tests/Fakes/\(server.rawValue)").path
    let process = try TestKit.ChildProcess(
      "openai-server", ["python3", script, "--log", directory.file("log").path] + arguments, in: directory)
    let lines = 1 + (server == .faulty ? 1 : 0) + (arguments.contains("--tls") ? 1 : 0)
    try await waitUntil("the fake server printed its ports") {
      try process.output.split(separator: "\n").count == lines && process.output.hasSuffix("\n")
    }
    ports = try process.output.split(separator: "\n").map(String.init)
    baseURL = "http://127.0.0.1:\(ports[0])/v1/"
    self.process = process
    var definition = definition(
      named: "fake", kind: .openai, baseURL: baseURL, keyVariable: keyVariable, timeout: timeout)
    definition.firstTokenTimeout = firstToken
    definition.idleTimeout = idle
    entry = definition
    provider = OpenAIProvider(
      definition, http: testHTTP, artifacts: ArtifactStore(directory: directory.file("artifacts").path),
      environment: environment, pace: PollPace(first: .milliseconds(20), longest: .milliseconds(60)))
  }

  /// The same provider at another address.
  func provider(at baseURL: String) -> OpenAIProvider {
    var definition = entry
    definition.baseURL = baseURL
    return OpenAIProvider(
      definition, http: testHTTP, artifacts: ArtifactStore(directory: directory.file("artifacts").path),
      environment: [:])
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
