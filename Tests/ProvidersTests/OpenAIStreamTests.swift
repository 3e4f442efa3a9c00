import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// Streamed answers of a provider that misbehaves, over real connections.
struct OpenAIStreamTests {
  private func chat(_ behaviour: String, within limit: Duration = .seconds(30)) throws -> ProviderCall {
    try call(.llm, #"{"prompt":"tell me"}"#, model: "fault-\(behaviour)", within: limit)
  }

  @Test func `a streamed chat answers with text and usage, over one connection`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    for _ in 0..<5 {
      let reply = try await fake.provider.call(chat("ok")).reply()
      #expect(reply.text == #"{"text":"You said: tell me"}"#)
      #expect(reply.quantity(.inputTokens) == "2")
      #expect(reply.quantity(.outputTokens) == "4")
    }
    #expect(Set(try fake.log().compactMap { $0["connection"]?.integer }).count == 1)
    #expect(try fake.log().allSatisfy { $0["key"]?.string?.hasSuffix("/run/1") == true })
    try await fake.end()
  }

  @Test func `a broken stream has its kind, promptly, and never a part of its text`() async throws {
    let kinds: [(String, ProviderFailure.Kind)] = [
      ("cut:40", .malformed), ("cut-hard:40", .malformed), ("bad-event", .malformed), ("stream-error:20", .server),
      ("finish:content_filter", .contentRefused), ("finish:error", .server), ("reset", .lost), ("reset-early", .lost),
      ("context", .contextTooLong), ("policy", .contentRefused), ("quota", .funds), ("402", .funds), ("529", .server),
      ("413", .caller), ("422", .caller), ("408", .lost), ("redirect", .malformed), ("malformed", .malformed),
      ("truncated", .malformed), ("huge", .malformed), ("huge-chunked", .malformed), ("gzip", .malformed),
      ("endless", .malformed),
    ]
    let slow = ["stall:20", "first-token:20", "silent", "slow-headers", "slow-body"].map {
      ($0, ProviderFailure.Kind.lost)
    }
    let patient = try await FakeOpenAI(.faulty)
    let hasty = try await FakeOpenAI(.faulty, firstToken: .seconds(3), idle: .seconds(2))
    for (fake, faults) in [(patient, kinds), (hasty, slow)] {
      for (behaviour, kind) in faults {
        let start = ContinuousClock.now
        let failure = try await fake.provider.call(chat(behaviour)).failure()
        #expect(failure.kind == kind, "\(behaviour): \(failure.detail)")
        #expect(!failure.detail.contains("SECRET") && !failure.detail.contains("word"))
        #expect(failure.reachedProvider)
        #expect(ContinuousClock.now - start < .seconds(9.5), "\(behaviour)")  // their own limits are 15 and 10 seconds
      }
    }
    #expect(try await patient.provider.call(chat("ok")).reply().text == #"{"text":"You said: tell me"}"#)
    try await patient.end()
    try await hasty.end()
  }

  @Test func `a stream that says why it ends is a success without its end mark, soon`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let start = ContinuousClock.now
    let open = try await fake.provider.call(chat("no-done")).reply()
    #expect(open.quantity(.outputTokens) == "4")
    #expect(ContinuousClock.now - start < .seconds(9.5))  // silence is borne for 10
    let silent = try await fake.provider.call(chat("no-usage")).reply()
    #expect(silent.text == #"{"text":"You said: tell me"}"#)
    #expect(silent.usage.isEmpty)
    let short = try call(.llm, #"{"prompt":"a b c","maxTokens":2}"#, model: "fault-ok")
    #expect(try await fake.provider.call(short).reply().text == #"{"text":"You said:"}"#)
    try await fake.end()
  }

  @Test func `a slow stream may take its time as long as it goes on`() async throws {
    let fake = try await FakeOpenAI(.faulty, firstToken: .seconds(40), idle: .seconds(4))
    _ = try await fake.provider.call(chat("first-token:6")).reply()
    _ = try await fake.provider.call(chat("latency:6")).reply()
    try await fake.end()
  }

  @Test func `the deadline ends a stream, and so does the caller`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let late = try await fake.provider.call(chat("stall:20", within: .seconds(3))).failure()
    #expect(late.kind == .lost)
    let call = try chat("stall:20")
    let task = Task { await fake.provider.call(call) }
    try await waitUntil("the stream stands") { try fake.log().count { $0["event"]?.string == "start" } == 2 }
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    try await waitUntil("the server saw the caller go") { try fake.log().count { $0["event"]?.string == "end" } == 2 }
    try await fake.end()
  }

  @Test func `speech that is billed by tokens comes as a stream with them`() async throws {
    let fake = try await FakeOpenAI(.faulty)
    let payload = #"{"text":"twenty characters !!"}"#
    let reply = try await fake.provider.call(call(.tts, payload, model: "gpt-4o-mini-tts")).reply()
    #expect(reply.quantity(.inputTokens) == "3")
    #expect(reply.quantity(.outputAudioTokens) == "21")
    #expect(reply.quantity(.audioSeconds) == "1")
    #expect(try WAVFile(reply.artifactBytes())?.seconds.description == "1")
    let raw = try await fake.provider.call(call(.tts, payload, model: "tts-1")).reply()
    #expect(raw.quantity(.inputTokens) == nil)
    #expect(try raw.artifactBytes() == reply.artifactBytes())
    try await fake.end()
  }

  @Test(arguments: [
    (TaskType.embedding, #"{"input":"a"}"#), (.image, #"{"prompt":"a"}"#), (.tts, #"{"text":"a"}"#),
  ])
  func `answers in one piece are bounded alike`(task: TaskType, payload: String) async throws {
    // A byte a second is too slow for the one and not for the other, whom no pause of the machine may fool.
    let hasty = try await FakeOpenAI(.faulty, idle: .milliseconds(400))
    let patient = try await FakeOpenAI(.faulty)
    let kinds: [(String, ProviderFailure.Kind)] = [
      ("slow-headers", .lost), ("slow-body", .lost), ("silent", .lost), ("huge", .malformed),
      ("huge-chunked", .malformed), ("gzip", .malformed), ("truncated", .malformed), ("redirect", .malformed),
      ("reset", .lost), ("context", .contextTooLong), ("503:2", .server), ("429:2", .rateLimited),
    ]
    for (behaviour, kind) in kinds {
      let start = ContinuousClock.now
      // Only the deadline ends the wait for the head of an answer that takes as long as the work does.
      let limit = ["slow-headers", "silent"].contains(behaviour) ? Duration.seconds(2) : .seconds(60)
      let fake = behaviour == "slow-body" ? hasty : patient
      let failure = try await fake.provider.call(
        call(task, payload, model: "fault-\(behaviour)", within: limit)
      ).failure()
      // A picture that was made and cannot be read was bought; a redirect is no answer to a purchase.
      let isBought = task == .image && kind == .malformed && behaviour != "redirect"
      #expect(failure.kind == (isBought ? .lost : kind), "\(behaviour): \(failure.detail)")
      #expect(failure.retryAfter == (behaviour.hasSuffix(":2") ? .seconds(2) : nil))
      #expect(ContinuousClock.now - start < .seconds(9.5), "\(behaviour)")
    }
    try await hasty.end()
    try await patient.end()
  }

  @Test func `what is never dispatched is unreachable`() async throws {
    let fake = try await FakeOpenAI(.faulty, arguments: ["--tls"])
    let untrusted = try await fake.provider(at: "https://127.0.0.1:\(fake.ports[2])/v1").call(chat("ok")).failure()
    #expect(untrusted.kind == .unreachable)
    let reset = try await fake.provider(at: "https://127.0.0.1:\(fake.ports[1])/v1").call(chat("ok")).failure()
    #expect(reset.kind == .unreachable, "\(reset.detail)")
    #expect(try fake.log().isEmpty)
    try await fake.end()
  }
}
