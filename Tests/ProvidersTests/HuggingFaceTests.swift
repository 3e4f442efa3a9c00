import Catalog
import Contracts
import Foundation
import NIOHTTP1
import TestKit
import Testing

@testable import Providers

struct HuggingFaceTests {
  private func provider(_ vendors: FakeVendors, doing behaviour: String = "ok") -> HuggingFaceProvider {
    HuggingFaceProvider(
      vendors.definition(.huggingface, doing: behaviour), http: testHTTP, artifacts: vendors.artifacts,
      environment: ["FAKE_KEY": FakeVendors.key])
  }

  @Test func `chat goes through the router, the rest to the model's own task`() async throws {
    let vendors = try await FakeVendors()
    let provider = provider(vendors)
    let chat = try await provider.call(call(.llm, #"{"prompt":"a b"}"#, model: "org/chat:fastest")).reply()
    #expect(chat.text == #"{"text":"You said: a b"}"#)
    let vectors = try await provider.call(call(.embedding, #"{"input":["a b","c"]}"#, model: "org/vectors")).reply()
    #expect(try vectors.document()["vectors"]?.elements.map(\.elements.count) == [8, 8])
    #expect(vectors.quantity(.inputTokens) == "3")
    let picture = try await provider.call(
      call(.image, #"{"prompt":"a road","size":"16x12"}"#, model: "org/pictures")
    ).reply()
    #expect(MediaType.image(of: try picture.artifactBytes())?.name == "image/png")
    #expect(picture.quantity(.images) == "1")
    let speech = try await provider.call(call(.tts, #"{"text":"twenty characters !!"}"#, model: "org/speech")).reply()
    #expect(speech.quantity(.audioSeconds) == "1")
    #expect(
      try vendors.calls().map { $0["endpoint"]?.string } == [
        "chat/completions", "org/vectors/pipeline/feature-extraction", "org/pictures", "org/speech",
      ])
    try await vendors.end()
  }

  @Test func `a model that is being loaded says for how long`() async throws {
    let vendors = try await FakeVendors()
    let failure = try await provider(vendors, doing: "loading").call(call(.image, #"{"prompt":"a"}"#)).failure()
    #expect(failure.kind == .server)
    #expect(failure.retryAfter == .milliseconds(20_500))
    #expect(!failure.detail.contains("SECRET"))
    let gone = try await provider(vendors, doing: "unsupported").call(call(.image, #"{"prompt":"a"}"#)).failure()
    #expect(gone.kind == .notFound)
    try await vendors.end()
  }

  @Test func `audio of another format than asked for is no answer, but was made`() async throws {
    let vendors = try await FakeVendors()
    let failure = try await provider(vendors).call(
      call(.tts, #"{"text":"abc","format":"flac"}"#, model: "org/speech")
    ).failure()
    #expect(failure.kind == .malformed)
    #expect(failure.usage.contains { $0.unit == .characters })
    try await vendors.end()
  }

  @Test(arguments: [
    (#"{"error":"Model a/b is not supported by provider hf-inference"}"#, ProviderFailure.Kind.notFound),
    (#"{"error":"Invalid input: \"the model is not supported by my car\""}"#, .caller), ("{}", .caller),
  ])
  func `only their own words about a model are believed`(body: String, kind: ProviderFailure.Kind) {
    let reply = ProviderHTTP.Reply(status: 400, headers: [:], body: Array(body.utf8))
    #expect(HuggingFaceFault.failure(of: reply, now: Timestamp(milliseconds: 0)).kind == kind)
  }

  @Test(arguments: ["../secret", "a/b/c", "", "a b", "a/..", "a?b"])
  func `a model that is no repository becomes no address`(_ model: String) async throws {
    let vendors = try await FakeVendors()
    let failure = try await provider(vendors).call(call(.image, #"{"prompt":"a"}"#, model: model)).failure()
    #expect(failure.kind == .local)
    #expect(try vendors.calls().isEmpty)
    try await vendors.end()
  }

  @Test func `sizes are passed on where they are sizes`() throws {
    func body(_ payload: String) throws -> String {
      let request = HuggingFaceRequest.image(model: "m", payload: try JSONParser.parse(Array(payload.utf8)).root)
      return String(decoding: request.body, as: UTF8.self)
    }
    #expect(
      try body(#"{"prompt":"p","size":"1024x768"}"#)
        == #"{"inputs":"p","parameters":{"width":1024,"height":768}}"#)
    for size in ["auto", "1024", "1x2x3", "0x5", "99999x1"] {
      #expect(try body(#"{"prompt":"p","size":"\#(size)"}"#) == #"{"inputs":"p"}"#)
    }
  }

  @Test(arguments: [
    ("[[1,2],[3,4]]", 2, true), ("[[1,2]]", 2, false), ("[1,2]", 1, false), ("[[[1],[2]]]", 1, false),
    (#"[["a"]]"#, 1, false), ("{}", 1, false), ("[[1,2],[3", 2, false), ("[[1,2],3]", 1, false),
  ])
  func `vectors are one for each input or no answer`(_ text: String, _ count: Int, _ isAnswer: Bool) {
    do throws(ProviderFailure) {
      let reply = try EmbeddingReply(bare: Array(text.utf8), count: count)
      #expect(isAnswer)
      #expect(String(decoding: reply.output, as: UTF8.self) == #"{"vectors":\#(text)}"#)
    } catch {
      #expect(!isAnswer)
      #expect(error.kind == .malformed)
    }
  }
}
