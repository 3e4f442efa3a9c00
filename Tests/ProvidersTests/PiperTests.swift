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
  @Test func `the shipped server speaks, audibly and for a plausible time`() async throws {
    let directory = try TestDirectory("piper")
    let provider = LocalProvider(
      definition(named: "piper", kind: .local, command: [piper.appending(path: "serve").path]),
      models: ["en_US-joe-medium"], http: testHTTP, artifacts: ArtifactStore(directory: directory.url.path),
      environment: ProcessInfo.processInfo.environment, logger: silentLogger)
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
}
