import Catalog
import Contracts
import Foundation
import NIOHTTP1
import TestKit
import Testing

@testable import Providers

struct ElevenLabsTests {
  private func speak(
    _ payload: String, model: String = "eleven_flash_v2_5", doing behaviour: String = "ok"
  ) async throws -> (answer: ProviderAnswer, calls: [JSONValue]) {
    let vendors = try await FakeVendors()
    let provider = ElevenLabsProvider(
      vendors.definition(.elevenlabs, doing: behaviour), http: testHTTP, artifacts: vendors.artifacts,
      environment: ["FAKE_KEY": FakeVendors.key])
    let answer = await provider.call(try call(.tts, payload, model: model))
    // The artifact goes with its directory.
    if case .success(let reply) = answer { #expect(try !reply.artifactBytes().isEmpty) }
    let calls = try vendors.calls()
    try await vendors.end()
    return (answer, calls)
  }

  @Test func `what it charged is stated in credits, and characters are counted`() async throws {
    let text = String(repeating: "a", count: 1234)
    let reply = try await speak(#"{"text":"\#(text)"}"#).answer.reply()
    #expect(reply.quantity(.characters) == "1234")
    // 617 credits.
    #expect(reply.statedCost == Money("0.0617"))
    #expect(reply.quantity(.audioSeconds) == "10")
  }

  @Test(arguments: [
    ("wav", "pcm_24000", "RIFF"), ("pcm", "pcm_24000", nil), ("mp3", "mp3_44100_128", "\u{FFFD}"),
    ("opus", "opus_48000_128", "OggS"),
  ])
  func `each format is asked for under its name there`(_ format: String, _ name: String, _ mark: String?) async throws {
    let vendors = try await FakeVendors()
    let provider = ElevenLabsProvider(
      vendors.definition(.elevenlabs), http: testHTTP, artifacts: vendors.artifacts,
      environment: ["FAKE_KEY": FakeVendors.key])
    let reply = try await provider.call(call(.tts, #"{"text":"twenty characters !!","format":"\#(format)"}"#)).reply()
    let bytes = try reply.artifactBytes()
    #expect(try vendors.calls()[0]["query"]?.string == "output_format=\(name)")
    if let mark { #expect(String(decoding: bytes.prefix(4), as: UTF8.self).hasPrefix(mark)) }
    #expect(reply.quantity(.audioSeconds) == (format == "wav" ? "1" : nil))
    if format == "wav" { #expect(WAVFile(bytes)?.sampleRate == 24_000) }
    try await vendors.end()
  }

  @Test func `a format it does not make is the job's fault, and nothing is sent`() async throws {
    let (answer, calls) = try await speak(#"{"text":"a","format":"flac"}"#)
    #expect(try answer.failure().kind == .caller)
    #expect(try !answer.failure().reachedProvider)
    #expect(calls.isEmpty)
  }

  @Test func `a voice of another provider becomes the default one`() async throws {
    let own = try await speak(#"{"text":"a","voice":"21m00Tcm4TlvDq8ikWAM"}"#).calls
    #expect(own[0]["endpoint"]?.string == "21m00Tcm4TlvDq8ikWAM")
    for foreign in ["alloy", "en_US-joe-medium", "../../v1/user/0000000"] {
      let calls = try await speak(#"{"text":"a","voice":"\#(foreign)"}"#).calls
      #expect(calls[0]["endpoint"]?.string == ElevenLabsRequest.defaultVoice)
    }
  }

  @Test(arguments: [
    ("quota", ProviderFailure.Kind.funds), ("busy", .server), ("voice", .caller), ("context", .contextTooLong),
    ("404", .notFound), ("422", .caller),
  ])
  func `an error has the meaning of its code`(_ behaviour: String, _ kind: ProviderFailure.Kind) async throws {
    let failure = try await speak(#"{"text":"a"}"#, doing: behaviour).answer.failure()
    #expect(failure.kind == kind, "\(failure.detail)")
  }

  @Test(arguments: ["", "-1", "1.5", "99999999999999", "many"])
  func `credits that make no sense are not stated`(_ text: String) {
    #expect(ElevenLabsProvider.cost(["character-cost": text]) == nil)
  }

  @Test func `bare samples become a file`() {
    let file = WAVFile.file(ofPCM: [1, 2, 3, 4, 5], rate: 24_000)
    let read = WAVFile(file)
    #expect(read?.data == 44..<48)
    #expect(read?.repaired(file) == file)
  }
}
