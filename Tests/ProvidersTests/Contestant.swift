import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// A kind of provider and a job it can do, for the tests that all of them must pass.
struct Contestant: Sendable, CustomTestStringConvertible {
  let kind: ProviderDefinition.Kind
  let task: TaskType
  let payload: String

  static let words = "the quick brown fox"

  static let all = [
    Contestant(kind: .openai, task: .llm, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .openai, task: .embedding, payload: #"{"input":"\#(words)"}"#),
    Contestant(kind: .openai, task: .image, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .anthropic, task: .llm, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .elevenlabs, task: .tts, payload: #"{"text":"\#(words)"}"#),
    Contestant(kind: .huggingface, task: .llm, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .huggingface, task: .image, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .huggingface, task: .embedding, payload: #"{"input":"\#(words)"}"#),
    Contestant(kind: .local, task: .llm, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .espeak, task: .tts, payload: #"{"text":"\#(words)"}"#),
    Contestant(kind: .card, task: .image, payload: #"{"prompt":"\#(words)"}"#),
    Contestant(kind: .ffmpeg, task: .video, payload: #"{"prompt":"\#(words)","size":"320x180","seconds":1}"#),
    Contestant(kind: .echo, task: .echo, payload: #"{"text":"\#(words)"}"#),
  ]

  /// Those that speak HTTP over TCP.
  static let remote = all.filter { $0.isRemote }
  /// Those that speak HTTP at all.
  static let speaking = all.filter { $0.isRemote || $0.kind == .local }

  var testDescription: String { "\(kind.rawValue) \(task.rawValue)" }
  /// What a success is that cannot be read: lost, where it is not bought twice.
  var unreadable: ProviderFailure.Kind { task.mayRepeatUnknown ? .malformed : .lost }
  /// Whether it runs a program for each job.
  var isProgram: Bool { [.espeak, .card, .ffmpeg].contains(kind) }
  var isRemote: Bool { [.openai, .anthropic, .elevenlabs, .huggingface].contains(kind) }
}

/// A contestant's provider, as a policy makes it, and what it calls. Call `end` at the end of a test.
struct Arena: Sendable {
  let contestant: Contestant
  let set: ProviderSet
  let vendors: FakeVendors
  private let behaviour: String
  private let timeout: Duration

  /// - Parameters:
  ///   - behaviour: `ok`, `silent`, or another one of the fake server, in which programs and echo have no part.
  ///   - vendors: one that runs already.
  init(
    _ contestant: Contestant, doing behaviour: String = "ok", timeout: Duration = .seconds(30),
    at running: FakeVendors? = nil
  ) async throws {
    self.contestant = contestant
    self.behaviour = behaviour
    self.timeout = timeout
    let vendors = if let running { running } else { try await FakeVendors() }
    self.vendors = vendors
    var definition = vendors.definition(contestant.kind, doing: behaviour, timeout: timeout)
    if contestant.kind == .local {
      definition.baseURL = nil
      definition.apiKeyVariable = nil
      definition.command = ["python3", FakeVendors.script, "--log", vendors.directory.file("local").path]
    }
    set = ProviderSet(
      policy: Policy(
        defaultTier: "FREE", trustsMessageTier: true, aliases: [:], tiers: [:],
        providers: [definition.name: definition], models: [], plainHTTPHosts: []),
      artifacts: vendors.artifacts,
      environment: ProcessInfo.processInfo.environment.merging(["FAKE_KEY": FakeVendors.key]) { _, new in new },
      logger: silentLogger)
  }

  func answer(attemptID: String? = nil, within limit: Duration = .seconds(30)) async throws -> ProviderAnswer {
    await (try provider).call(try call(attemptID: attemptID, within: limit))
  }

  func call(attemptID: String? = nil, within limit: Duration = .seconds(30)) throws -> ProviderCall {
    let isSilentEcho = contestant.kind == .echo && behaviour == "silent"
    return try ProvidersTests.call(
      contestant.task, isSilentEcho ? #"{"sleepMs":60000}"# : contestant.payload,
      model: contestant.kind == .local && behaviour != "ok" ? "fault-\(behaviour)" : "model", attemptID: attemptID,
      within: limit)
  }

  /// The set's own; with a program that does nothing, where one is run and silence is asked for.
  var provider: any Provider {
    get throws {
      let name = contestant.kind.rawValue
      guard behaviour == "silent" else { return try #require(set[name]) }
      return switch contestant.kind {
      case .espeak:
        ESpeakProvider(name: name, program: try sleeper(), artifacts: vendors.artifacts, timeout: timeout)
      case .card: CardProvider(name: name, program: try sleeper(), artifacts: vendors.artifacts, timeout: timeout)
      case .ffmpeg: FFmpegProvider(name: name, program: try sleeper(), artifacts: vendors.artifacts, timeout: timeout)
      case .openai, .anthropic, .elevenlabs, .huggingface, .local, .echo: try #require(set[name])
      }
    }
  }

  private func sleeper() throws -> String {
    let file = vendors.directory.file("sleeper")
    try Data("#!/bin/sh\necho >> \(vendors.directory.file("started").path)\nexec sleep 60\n".utf8).write(to: file)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    return file.path
  }

  /// Calls that reached the fake server; a call of the others leaves no trace, or the mark of its program.
  func calls() throws -> [JSONValue] {
    try contestant.kind == .local ? FakeVendors.calls(in: vendors.directory.file("local")) : vendors.calls()
  }

  /// Whether a silent call is under way, as far as that shows.
  func hasBegun() throws -> Bool {
    switch contestant.kind {
    case .echo: true
    case .espeak, .card, .ffmpeg: FileManager.default.fileExists(atPath: vendors.directory.file("started").path)
    case .openai, .anthropic, .elevenlabs, .huggingface, .local: try !calls().isEmpty
    }
  }

  func end() async throws {
    await set.shutdown()
    try await vendors.end()
  }
}
