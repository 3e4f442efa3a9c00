import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// Several speech jobs in one call of a local server.
struct SpeechBatchTests {
  let directory: TestDirectory

  init() throws { directory = try TestDirectory("speech-batch") }

  private func calls(_ texts: [String]) throws -> [ProviderCall] {
    try texts.map { try LocalStub.call(.tts, #"{"text":"\#($0)"}"#) }
  }

  private func ready(_ manners: [String] = []) async throws -> LocalStub {
    let stub = LocalStub(in: directory.url.path, manners)
    #expect(stub.provider.batchLimit(of: .tts) == 1)
    _ = try await stub.say("hi").reply()
    return stub
  }

  @Test func `the ready process says how many it takes`() async throws {
    let stub = try await ready()
    #expect(stub.provider.batchLimit(of: .tts) == 16)
    #expect(stub.provider.batchLimit(of: .embedding) == 32)
    #expect(stub.provider.batchLimit(of: .llm) == 1)
    await stub.end()
  }

  @Test func `a server that says nothing takes one at a time`() async throws {
    let stub = try await ready(["single"])
    #expect(stub.provider.batchLimit(of: .tts) == 1)
    for answer in await stub.provider.call(try calls(["one", "two"])) { _ = try answer.reply() }
    #expect(try stub.paths().suffix(2) == ["/v1/audio/speech", "/v1/audio/speech"])
    await stub.end()
  }

  @Test func `each job of a batch has its own audio and usage from one call`() async throws {
    let stub = try await ready()
    let texts = ["a", "four", "quite a bit longer"]
    let answers = await stub.provider.call(try calls(texts))
    #expect(try stub.paths() == ["/v1/chat/completions", "/v1/audio/speech/batch"])
    for (text, answer) in zip(texts, answers) {
      let reply = try answer.reply()
      let audio = try #require(WAVFile(try reply.artifactBytes()))
      #expect(audio.data.count == 160 * text.count)
      #expect(reply.quantity(.characters) == "\(text.count)")
      #expect(reply.quantity(.audioSeconds) == audio.seconds.description)
    }
    #expect(Set(try answers.map { try $0.reply().text }).count == 3)
    await stub.end()
  }

  @Test func `a poisoned item fails alone, without another call`() async throws {
    let stub = try await ready()
    let answers = await stub.provider.call(try calls(["one", "poison", "three"]))
    #expect(try answers[1].failure().kind == .caller)
    for index in [0, 2] { _ = try answers[index].reply() }
    #expect(try stub.paths().count == 2)
    await stub.end()
  }

  @Test func `a batch that is refused whole is asked for one by one`() async throws {
    let stub = try await ready()
    let answers = await stub.provider.call(try calls(["one", "spoilt poison", "three"]))
    #expect(try answers[1].failure().kind == .caller)
    for index in [0, 2] { _ = try answers[index].reply() }
    #expect(try stub.paths().suffix(3).allSatisfy { $0 == "/v1/audio/speech" })
    await stub.end()
  }

  @Test func `what an answer has no room for gets a call of its own`() async throws {
    let stub = try await ready(["tiny"])
    for answer in await stub.provider.call(try calls(["one", "two", "three"])) { _ = try answer.reply() }
    #expect(
      try stub.paths().suffix(3) == ["/v1/audio/speech/batch", "/v1/audio/speech", "/v1/audio/speech"])
    await stub.end()
  }

  @Test func `a batch that is lost is lost for each, and not asked for again`() async throws {
    let stub = try await ready()
    for answer in await stub.provider.call(try calls(["one", "crash"])) {
      #expect(try answer.failure().kind == .lost)
    }
    #expect(try stub.paths().count == 2)
    await stub.end()
  }

  @Test func `another format than wav is not batched`() async throws {
    let stub = try await ready()
    let batch = try calls(["one"]) + [try LocalStub.call(.tts, #"{"text":"two","format":"mp3"}"#)]
    _ = await stub.provider.call(batch)
    #expect(try stub.paths().suffix(2) == ["/v1/audio/speech", "/v1/audio/speech"])
    await stub.end()
  }

  @Test func `the body holds the texts, voices and speeds of its jobs and nothing else`() throws {
    let batch = SpeechBatch(calls: [
      try LocalStub.call(.tts, #"{"text":"a \"b\"","voice":"v","speed":1.5,"other":1}"#),
      try LocalStub.call(.tts, #"{"text":"c"}"#),
    ])
    #expect(
      String(decoding: batch.body, as: UTF8.self)
        == #"{"model":"a","input":[{"input":"a \"b\"","voice":"v","speed":1.5},{"input":"c"}],"response_format":"wav"}"#
    )
  }

  @Test(arguments: [
    #"{"data":[]}"#, #"{"data":[{"audio":"aaaa"}]}"#, "[", "{}", #"{"data":{"audio":"aaaa"}}"#,
  ])
  func `an answer of another shape is malformed`(answer: String) throws {
    let batch = SpeechBatch(calls: try calls(["one", "two"]))
    let failure = #expect(throws: ProviderFailure.self) {
      try batch.items(in: Array(answer.utf8), now: Timestamp(milliseconds: 0))
    }
    #expect(failure?.kind == .malformed)
  }

  @Test(arguments: [
    (#"{"error":{"code":"server_error","message":"SECRET"}}"#, ProviderFailure.Kind.server),
    (#"{"error":{"code":"model_not_found"}}"#, .notFound), (#"{"error":{"code":"x"}}"#, .caller),
    (#"{"audio":"?"}"#, .malformed), (#"{"audio":""}"#, .malformed), ("{}", .malformed), ("1", .malformed),
  ])
  func `an item that is no audio fails in its own way`(entry: String, kind: ProviderFailure.Kind) throws {
    let batch = SpeechBatch(calls: try calls(["one"]))
    let items = try batch.items(in: Array(#"{"data":[\#(entry)]}"#.utf8), now: Timestamp(milliseconds: 0))
    guard case .failure(let failure) = try #require(items.first) else { throw NoFailure() }
    #expect(failure.kind == kind)
    #expect(!failure.detail.contains("SECRET"))
  }

  private struct NoFailure: Error {}

  @Test func `the least of what is said about models is believed, within reason`() {
    func limit(_ text: String) -> Int { ServedModels(Array(text.utf8)).speechBatch }
    #expect(limit(#"{"data":[{"id":"a","batch":16},{"id":"b","batch":4}]}"#) == 4)
    #expect(limit(#"{"data":[{"id":"a","batch":16},{"id":"b"}]}"#) == 1)
    #expect(limit(#"{"data":[{"id":"a","batch":100000}]}"#) == ServedModels.largestBatch)
    for nothing in [#"{"data":[]}"#, "{}", "no", #"{"data":[{"batch":0}]}"#, #"{"data":[{"batch":-4}]}"#, "[]"] {
      #expect(limit(nothing) == 1)
    }
  }
}
