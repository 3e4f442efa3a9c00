import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct OpenAIProviderTests {
  @Test func `a chat answers with text and what it used`() async throws {
    let fake = try await FakeOpenAI()
    let reply = try await fake.provider.call(
      call(.llm, #"{"prompt":"tell me \"more\"","maxTokens":100,"temperature":0.5}"#, attemptID: "j7/r1/3")
    ).reply()
    #expect(reply.text == #"{"text":"You said: tell me \"more\""}"#)
    #expect(reply.quantity(.inputTokens) == "3")
    #expect(reply.quantity(.outputTokens) == "5")
    #expect(reply.modelVersion == nil)
    let log = try fake.log()
    #expect(log.map { $0["event"]?.string } == ["start", "end"])
    #expect(log[0]["key"]?.string == "j7/r1/3")
    #expect(log[1]["status"]?.integer == 200)
    try await fake.end()
  }

  @Test func `messages are passed on as they are, and the output limit is kept`() async throws {
    let fake = try await FakeOpenAI()
    let messages = #"[{"role":"system","content":"be brief"},{"role":"user","content":"a b c d e f"}]"#
    let reply = try await fake.provider.call(call(.llm, #"{"messages":\#(messages),"maxTokens":3}"#)).reply()
    #expect(reply.text == #"{"text":"You said: a"}"#)
    #expect(reply.quantity(.inputTokens) == "8")
    try await fake.end()
  }

  @Test func `a long text becomes an artifact`() async throws {
    let fake = try await FakeOpenAI()
    let long = String(repeating: "é", count: 40_000)
    let reply = try await fake.provider.call(call(.llm, #"{"prompt":"\#(long)"}"#, attemptID: "j/r/1")).reply()
    #expect(try reply.document()["artifact"]?["mediaType"]?.string == "text/plain; charset=utf-8")
    #expect(try reply.artifactBytes() == Array("You said: \(long)".utf8))
    try await fake.end()
  }

  @Test func `embeddings answer with a vector for each input`() async throws {
    let fake = try await FakeOpenAI()
    let two = try await fake.provider.call(call(.embedding, #"{"input":["a","b c"]}"#)).reply()
    let vectors = try two.document()["vectors"]?.elements ?? []
    #expect(vectors.map(\.elements.count) == [8, 8])
    #expect(vectors[0].raw != vectors[1].raw)
    #expect(two.quantity(.inputTokens) == "3")
    let one = try await fake.provider.call(call(.embedding, #"{"input":"a"}"#)).reply()
    #expect(try one.document()["vectors"]?.elements.map(\.raw) == [vectors[0].raw])
    try await fake.end()
  }

  @Test func `many vectors become an artifact of the same shape`() async throws {
    let fake = try await FakeOpenAI()
    let inputs = (0..<100).map { "\"text \($0)\"" }.joined(separator: ",")
    let reply = try await fake.provider.call(call(.embedding, #"{"input":[\#(inputs)]}"#, model: "large")).reply()
    #expect(try reply.document()["artifact"]?["mediaType"]?.string == "application/json")
    #expect(try reply.artifactBytes().starts(with: Array(#"{"vectors":[["#.utf8)))
    try await fake.end()
  }

  @Test func `speech becomes an artifact, measured where its format tells`() async throws {
    let fake = try await FakeOpenAI()
    let spoken = try await fake.provider.call(call(.tts, #"{"text":"twenty characters !!"}"#)).reply()
    #expect(spoken.quantity(.characters) == "20")
    #expect(spoken.quantity(.audioSeconds) == "1")
    #expect(try spoken.artifactBytes().starts(with: Array("RIFF".utf8)))
    let packed = try await fake.provider.call(call(.tts, #"{"text":"a","format":"mp3"}"#)).reply()
    #expect(packed.quantity(.audioSeconds) == nil)
    #expect(try packed.document()["artifact"]?["path"]?.string?.hasSuffix(".mp3") == true)
    #expect(try await fake.provider.call(call(.tts, #"{"text":"a","format":"exe"}"#)).failure().kind == .caller)
    try await fake.end()
  }

  @Test func `pictures become artifacts, one or several`() async throws {
    let fake = try await FakeOpenAI()
    let one = try await fake.provider.call(call(.image, #"{"prompt":"a road"}"#)).reply()
    #expect(MediaType.image(of: try one.artifactBytes())?.name == "image/png")
    #expect(one.quantity(.images) == "1")
    #expect(one.quantity(.outputImageTokens) == "100")
    let three = try await fake.provider.call(call(.image, #"{"prompt":"a road","n":3}"#, attemptID: "j/r/1")).reply()
    let paths = try three.document()["artifacts"]?.elements.compactMap { $0["path"]?.string } ?? []
    #expect(paths.map { URL(filePath: $0).lastPathComponent } == ["j.r.1.png", "j.r.1-2.png", "j.r.1-3.png"])
    #expect(three.quantity(.images) == "3")
    try await fake.end()
  }

  @Test func `a failing call has its kind and none of the provider's words`() async throws {
    let fake = try await FakeOpenAI(timeout: .seconds(20))
    let kinds: [(String, ProviderFailure.Kind)] = [
      ("500", .server), ("429", .rateLimited), ("401", .account), ("404", .notFound), ("400", .caller),
      ("504", .lost), ("quota", .funds), ("filter", .contentRefused), ("reset", .lost), ("malformed", .malformed),
      ("cut", .malformed), ("huge", .malformed), ("redirect", .malformed),
    ]
    for (fault, kind) in kinds {
      let failure = try await fake.provider.call(call(.llm, #"{"prompt":"a"}"#, model: "fault-\(fault)")).failure()
      #expect(failure.kind == kind, "fault-\(fault): \(failure.detail)")
      #expect(!failure.detail.contains("SECRET"))
      #expect(failure.reachedProvider)
      #expect(failure.retryAfter == (["429"].contains(fault) ? .seconds(2) : nil))
    }
    try await fake.end()
  }

  @Test(arguments: [
    ("malformed", ProviderFailure.Kind.lost), ("cut", .lost), ("huge", .lost), ("redirect", .malformed),
    ("500", .server), ("filter", .contentRefused),
  ])
  func `pictures that were bought and cannot be read are lost`(fault: String, kind: ProviderFailure.Kind) async throws {
    let fake = try await FakeOpenAI()
    let failure = try await fake.provider.call(call(.image, #"{"prompt":"a"}"#, model: "fault-\(fault)")).failure()
    #expect(failure.kind == kind, "\(failure.detail)")
    #expect(failure.reachedProvider)
    try await fake.end()
  }

  @Test func `a fault may come once for each job`() async throws {
    let fake = try await FakeOpenAI()
    let payload = #"{"prompt":"fault-503-once please"}"#
    #expect(try await fake.provider.call(call(.llm, payload, attemptID: "a/r/1")).failure().kind == .server)
    _ = try await fake.provider.call(call(.llm, payload, attemptID: "a/r/2")).reply()
    #expect(try await fake.provider.call(call(.llm, payload, attemptID: "b/r/1")).failure().kind == .server)
    try await fake.end()
  }

  @Test func `usage that cannot be true is dropped, not the text`() async throws {
    let fake = try await FakeOpenAI()
    let reply = try await fake.provider.call(call(.llm, #"{"prompt":"a"}"#, model: "fault-badusage")).reply()
    #expect(reply.usage.isEmpty)
    #expect(reply.text == #"{"text":"You said: a"}"#)
    try await fake.end()
  }

  @Test func `silence is lost at the deadline of the call or of the provider`() async throws {
    let fake = try await FakeOpenAI(timeout: .seconds(3))
    let start = ContinuousClock.now
    let hung = try await fake.provider.call(call(.llm, #"{"prompt":"a"}"#, model: "fault-hang")).failure()
    #expect(hung.kind == .lost)
    #expect(ContinuousClock.now - start >= .seconds(3))
    let short = try call(.llm, #"{"prompt":"a"}"#, model: "fault-hang", within: .seconds(2))
    #expect(try await fake.provider.call(short).failure().kind == .lost)
    let past = try call(.llm, #"{"prompt":"a"}"#, within: .milliseconds(-1))
    let never = try await fake.provider.call(past).failure()
    #expect(never.kind == .lost)
    #expect(!never.reachedProvider)
    try await fake.end()
  }

  @Test func `cancelling ends a call at once`() async throws {
    let fake = try await FakeOpenAI()
    let call = try call(.llm, #"{"prompt":"a"}"#, model: "fault-hang")
    let task = Task { await fake.provider.call(call) }
    try await waitUntil("the call reached the server") { try fake.log().count == 1 }
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    try await waitUntil("the server saw the caller go") { try fake.log().count == 2 }
    try await fake.end()
  }

  @Test func `a refused connection is unreachable, at once`() async throws {
    let fake = try await FakeOpenAI()
    try await fake.end()
    let provider = OpenAIProvider(
      definition(named: "gone", kind: .openai, baseURL: fake.baseURL), http: testHTTP,
      artifacts: ArtifactStore(directory: fake.directory.url.path), environment: [:])
    let start = ContinuousClock.now
    let failure = try await provider.call(call(.llm, #"{"prompt":"a"}"#)).failure()
    #expect(failure.kind == .unreachable)
    #expect(!failure.reachedProvider)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func `the key is sent as the server wants it, and asked for when it is missing`() async throws {
    let fake = try await FakeOpenAI(
      arguments: ["--api-key", "sk-test"], keyVariable: "FAKE_KEY", environment: ["FAKE_KEY": " sk-test\n"])
    _ = try await fake.provider.call(call(.llm, #"{"prompt":"a"}"#)).reply()
    #expect(!String(reflecting: fake.provider).contains("sk-test"))
    #expect(!"\(fake.provider)".contains("sk-test"))
    try await fake.end()
    let keyless = try await FakeOpenAI(keyVariable: "FAKE_KEY")
    let failure = try await keyless.provider.call(call(.llm, #"{"prompt":"a"}"#)).failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("FAKE_KEY"))
    #expect(try keyless.log().isEmpty)
    try await keyless.end()
  }

  @Test func `hundreds of calls run at once`() async throws {
    let fake = try await FakeOpenAI(arguments: ["--latency-ms", "1000"])
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<256 {
        group.addTask {
          do { _ = try await fake.provider.call(call(.llm, #"{"prompt":"a"}"#)).reply() } catch { Issue.record(error) }
        }
      }
    }
    #expect(ContinuousClock.now - start < .seconds(120))  // 256 one after the other
    #expect(try fake.log().count == 512)
    try await fake.end()
  }
}

struct OpenAIRequestTests {
  private func payload(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)).root }

  @Test func `bodies hold what was asked for and nothing about the user`() throws {
    let chat = OpenAIRequest.chat(
      model: "m", payload: try payload(#"{"prompt":"p\n","user":"u"}"#), namesCompletionTokens: true)
    #expect(
      String(decoding: chat.body, as: UTF8.self)
        == #"{"model":"m","messages":[{"role":"user","content":"p\n"}],"max_completion_tokens":4096,"#
        + #""stream":true,"stream_options":{"include_usage":true}}"#)
    let speech = OpenAIRequest.speech(
      model: "m", payload: try payload(#"{"text":"t","speed":1.25}"#), format: "wav", defaultVoice: nil)
    #expect(
      String(decoding: speech.body, as: UTF8.self)
        == #"{"model":"m","input":"t","response_format":"wav","speed":1.25}"#)
    let billed = OpenAIRequest.speech(
      model: "gpt-4o-mini-tts", payload: try payload(#"{"text":"t"}"#), format: "mp3", defaultVoice: "alloy")
    #expect(
      String(decoding: billed.body, as: UTF8.self)
        == #"{"model":"gpt-4o-mini-tts","input":"t","voice":"alloy","response_format":"mp3","stream_format":"sse"}"#)
    let image = OpenAIRequest.images(model: "gpt-image-1", payload: try payload(#"{"prompt":"p","n":2,"size":null}"#))
    #expect(String(decoding: image.body, as: UTF8.self) == #"{"model":"gpt-image-1","prompt":"p","n":2}"#)
  }

  /// Nil where the body names none.
  private func voice(_ wish: String?, default standard: String?) throws -> String? {
    let wish = wish.map { #","voice":"\#($0)""# } ?? ""
    let request = OpenAIRequest.speech(
      model: "m", payload: try payload(#"{"text":"t"\#(wish)}"#), format: "wav", defaultVoice: standard)
    return try JSONParser.parse(request.body).root["voice"]?.string
  }

  @Test(arguments: ["en_US-joe-medium", "de_DE-thorsten-high", "en_GB", "yue_HK-x"])
  func `a voice that is called after a language and a country is another provider's, and the usual one speaks`(
    wish: String
  ) throws {
    #expect(try voice(wish, default: "alloy") == "alloy")
    #expect(try voice(wish, default: nil) == wish, "a server of our own may know it")
  }

  @Test(arguments: ["nova", "en-US", "en_us-joe", "my_voice-1", "e_US", "engl_US", "en_USA", "en_US_x"])
  func `any other voice is asked for as it is`(wish: String) throws {
    #expect(try voice(wish, default: "alloy") == wish)
  }

  @Test func `where no voice is wished the usual one speaks, or the server decides`() throws {
    #expect(try voice(nil, default: "alloy") == "alloy")
    #expect(try voice(nil, default: nil) == nil)
  }
}
