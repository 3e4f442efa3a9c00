import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// The shipped server with the real voice; runs where `deploy/models/piper/install` has been run.
private let piper = TestDirectory.packageRoot.appending(path: "deploy/models/piper")

@Suite(.enabled(if: FileManager.default.fileExists(atPath: piper.appending(path: ".venv/bin/python").path)))
struct PiperTests {
  let directory: TestDirectory

  init() throws { directory = try TestDirectory("piper") }

  private func provider(
    limits: ProcessLimits = ProcessLimits(), times: ServingTimes = ServingTimes()
  ) -> LocalProvider {
    var definition = definition(
      named: "piper", kind: .local,
      command: [
        "/bin/sh", "-c", #"echo $$ >> "$0" && exec "$1""#, directory.file("pid").path,
        piper.appending(path: "serve").path,
      ])
    definition.limits = limits
    return LocalProvider(
      definition, models: ["en_US-joe-medium"], http: testHTTP,
      artifacts: ArtifactStore(directory: directory.url.path), environment: ProcessInfo.processInfo.environment,
      times: times, logger: silentLogger)
  }

  private func speech(_ text: String, speed: Double = 1, within limit: Duration = .seconds(30)) throws -> ProviderCall {
    try call(.tts, #"{"text":"\#(text)","speed":\#(speed)}"#, model: "en_US-joe-medium", within: limit)
  }

  private func processIDs() throws -> [Int32] { try LocalStub.numbers(in: directory.file("pid").path) }

  /// Returns when the server, started once more, speaks.
  private func untilItSpeaksAgain(_ provider: LocalProvider) async throws {
    try await waitUntil("it speaks again") {
      if case .success = await provider.call(try speech("Again.")) { true } else { false }
    }
    #expect(try processIDs().count == 2)
    await provider.shutdown()
    #expect(try haveEnded(processIDs()))
  }

  @Test func `the shipped server speaks, audibly and for a plausible time`() async throws {
    let provider = provider()
    let text = "Once upon a time there was a toll house, and every cart had to stop."
    let reply = try await provider.call(
      call(.tts, #"{"text":"\#(text)","voice":"en_US-joe-medium","format":"wav"}"#, model: "en_US-joe-medium")
    ).reply()
    let bytes = try reply.artifactBytes()
    let file = try #require(WAVFile(bytes))
    let seconds = try #require(Double(file.seconds.description))
    #expect((2.0...8.0).contains(seconds))
    let loud = stride(from: file.data.lowerBound, to: file.data.upperBound - 1, by: 2).count {
      abs(Int(Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8))) > 1000
    }
    #expect(loud > file.data.count / 20)
    #expect(reply.quantity(.characters) == "\(text.count)")
    let unknown = try call(.tts, #"{"text":"a"}"#, model: "no-such-voice")
    #expect(try await provider.call(unknown).failure().kind == .notFound)
    await provider.shutdown()
  }

  @Test func `the shipped server speaks several texts in one call, and a bad one fails alone`() async throws {
    let provider = provider()
    _ = try await provider.call(try speech("Hello.")).reply()
    #expect(provider.batchLimit(of: .tts) == 16)
    let answers = await provider.call([
      try speech("The first text is a longer one than the second."), try speech(" "), try speech("Second."),
      try speech("Second.", speed: 0.5),
    ])
    #expect(try answers[1].failure().kind == .caller)
    let lengths = try [0, 2, 3].map { try #require(WAVFile(try answers[$0].reply().artifactBytes())).data.count }
    #expect(lengths[0] > lengths[1] && lengths[2] > lengths[1] * 3 / 2)
    await provider.shutdown()
  }

  @Test(arguments: [SIGKILL, SIGSEGV])
  func `a crash of the shipped server is made good`(signal: Int32) async throws {
    let provider = provider()
    _ = try await provider.call(try speech("Hello.")).reply()
    let pid = try #require(try processIDs().first)
    kill(pid, signal)
    try await waitUntil("it is gone") { kill(pid, 0) != 0 }
    try await untilItSpeaksAgain(provider)
  }

  @Test func `a hang of the shipped server is made good`() async throws {
    let provider = provider(times: ServingTimes(checkLimit: .milliseconds(500)))
    _ = try await provider.call(try speech("Hello.")).reply()
    let pid = try #require(try processIDs().first)
    kill(pid, SIGSTOP)
    #expect(try await provider.call(try speech("Hello.", within: .milliseconds(300))).failure().kind == .lost)
    try await waitUntil("it is gone") { kill(pid, 0) != 0 }
    try await untilItSpeaksAgain(provider)
  }

  // Some 150 MiB are the engine and the voice; a stretch of 300 characters without a full stop takes 630 in all.
  @Test func `a memory balloon of the shipped server is burst`() async throws {
    let provider = provider(limits: ProcessLimits(memoryMegabytes: 300))
    _ = try await provider.call(try speech("Hello.")).reply()
    let long = String(repeating: "and then a cart came by ", count: 100)
    #expect(try await provider.call(try speech(long)).failure().kind == .lost)
    let failure = try await provider.call(try speech("Hello.")).failure()
    #expect(failure.kind == .local && failure.detail.contains("memory limit of 300 MiB"))
    try await untilItSpeaksAgain(provider)
  }
}
