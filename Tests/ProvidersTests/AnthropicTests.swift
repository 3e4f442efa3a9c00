import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

private func value(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)).root }

struct AnthropicProviderTests {
  private func provider(_ vendors: FakeVendors, _ definition: ProviderDefinition) -> AnthropicProvider {
    AnthropicProvider(
      definition, http: testHTTP, artifacts: vendors.artifacts, environment: ["FAKE_KEY": FakeVendors.key])
  }

  @Test func `a message is put together from its stream, and nothing of its usage counts twice`() async throws {
    let vendors = try await FakeVendors()
    let reply = try await provider(vendors, vendors.definition(.anthropic)).call(
      call(.llm, #"{"messages":[{"role":"system","content":"Brief."},{"role":"user","content":"é \n?"}]}"#)
    ).reply()
    #expect(reply.text == #"{"text":"Brief. You said: é \n?"}"#)
    #expect(reply.quantity(.inputTokens) == "25")
    #expect(reply.quantity(.cachedInputTokens) == "10000")
    #expect(reply.quantity(.cacheWriteTokens) == "2500")
    #expect(reply.quantity(.outputTokens) == "5")
    #expect(reply.usage.allSatisfy { $0.source == .provider })
    #expect(reply.modelVersion == "model-20260101")
    try await vendors.end()
  }

  @Test func `text that was cut at its limit is a success`() async throws {
    let vendors = try await FakeVendors()
    let reply = try await provider(vendors, vendors.definition(.anthropic)).call(
      call(.llm, #"{"prompt":"a b c d","maxTokens":3}"#)
    ).reply()
    #expect(reply.text == #"{"text":"You said: a"}"#)
    try await vendors.end()
  }

  @Test func `a long text becomes an artifact`() async throws {
    let vendors = try await FakeVendors()
    let long = String(repeating: "é", count: 40_000)
    let reply = try await provider(vendors, vendors.definition(.anthropic)).call(
      call(.llm, #"{"prompt":"\#(long)"}"#)
    ).reply()
    #expect(try reply.artifactBytes() == Array("You said: \(long)".utf8))
    try await vendors.end()
  }

  @Test(arguments: [
    ("cut:40", ProviderFailure.Kind.malformed), ("cut-hard:40", .malformed), ("bad-event", .malformed),
    ("no-done", .lost), ("stall:20", .lost), ("first-token:15", .lost), ("slow-headers", .lost),
    ("stream-error", .server), ("credit", .funds), ("spend", .funds), ("quoting", .caller), ("window", .contextTooLong),
    ("policy", .contentRefused), ("504", .lost),
  ])
  func `a broken stream is never an answer`(_ behaviour: String, _ kind: ProviderFailure.Kind) async throws {
    let vendors = try await FakeVendors()
    let isSlow = ["no-done", "stall:20", "first-token:15", "slow-headers"].contains(behaviour)
    let limit = Duration.seconds(isSlow ? 3 : 20)
    let definition = vendors.definition(.anthropic, doing: behaviour, firstToken: limit, idle: limit)
    let start = ContinuousClock.now
    let failure = try await provider(vendors, definition).call(call(.llm, #"{"prompt":"a"}"#)).failure()
    #expect(failure.kind == kind, "\(failure.detail)")
    #expect(!failure.detail.contains("SECRET"))
    #expect(ContinuousClock.now - start < .seconds(20))
    let streamed = ["cut:40", "cut-hard:40", "bad-event", "stall:20", "stream-error", "no-done", "first-token:15"]
    #expect(failure.usage.contains { $0.unit == .cachedInputTokens } == streamed.contains(behaviour))
    try await vendors.end()
  }
}

struct AnthropicRequestTests {
  private func body(_ payload: String) throws -> String {
    String(decoding: AnthropicRequest.body(model: "claude", payload: try value(payload)), as: UTF8.self)
  }

  @Test func `messages of the system stand apart, and nothing says who the user is`() throws {
    #expect(
      try body(#"{"prompt":"p\n","user":"u","temperature":0.5}"#)
        == #"{"model":"claude","max_tokens":4096,"stream":true,"messages":[{"role":"user","content":"p\n"}],"#
        + #""temperature":0.5}"#)
    let messages =
      #"[{"role":"system","content":"s"},{"role":"developer","content":[{"type":"text","text":"d"}]},"#
      + #"{"role":"user","content":"u","name":"n"},{"role":"system","content":""},{"role":"assistant","content":"a"}]"#
    #expect(
      try body(#"{"messages":\#(messages),"maxTokens":7}"#)
        == #"{"model":"claude","max_tokens":7,"stream":true,"system":[{"type":"text","text":"s"},"#
        + #"{"type":"text","text":"d"}],"messages":[{"role":"user","content":"u"},"#
        + #"{"role":"assistant","content":"a"}]}"#)
  }

  @Test(arguments: [
    (#"{"prompt":"p"}"#, true), (#"{"messages":[{"role":"user","content":"u"}],"temperature":1}"#, true),
    (#"{"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}"#, true),
    (#"{"prompt":"p","temperature":1.5}"#, false), (#"{"messages":[{"role":"tool","content":"u"}]}"#, false),
    (#"{"messages":[{"role":"system","content":"u"}]}"#, false),
    (#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}"#, false),
    (
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"t","cache_control":{"ttl":"1h"}}]}]}"#, true
    ),
  ])
  func `what it cannot be sent is known before`(_ payload: String, _ isTaken: Bool) throws {
    #expect((AnthropicRequest.refusal(of: try value(payload)) == nil) == isTaken)
  }
}

struct AnthropicUsageTests {
  private func units(_ statements: String...) throws -> [Usage.Unit: String] {
    var usage = AnthropicUsage()
    for statement in statements { usage.take(try value(statement)) }
    return Dictionary(uniqueKeysWithValues: usage.units.map { ($0.unit, $0.quantity.description) })
  }

  @Test func `later statements replace earlier ones`() throws {
    let found = try units(
      #"{"input_tokens":25,"cache_read_input_tokens":7,"output_tokens":1}"#, #"{"output_tokens":800}"#,
      #"{"input_tokens":30,"output_tokens":900}"#)
    #expect(found == [.inputTokens: "30", .cachedInputTokens: "7", .outputTokens: "900"])
  }

  @Test func `writing to the cache counts whole where its parts say less`() throws {
    let split = #""cache_creation":{"ephemeral_5m_input_tokens":2000,"ephemeral_1h_input_tokens":0}"#
    #expect(
      try units(#"{"input_tokens":1,"cache_creation_input_tokens":2500,\#(split)}"#)[.cacheWriteTokens] == "2500")
    #expect(try units(#"{"input_tokens":1,\#(split)}"#)[.cacheWriteTokens] == "2000")
  }

  @Test func `what is kept for an hour is told apart from what is kept for minutes`() throws {
    func split(_ short: Int, _ long: Int, total: Int?) throws -> [String?] {
      let total = total.map { #""cache_creation_input_tokens":\#($0),"# } ?? ""
      let parts = #"{"ephemeral_5m_input_tokens":\#(short),"ephemeral_1h_input_tokens":\#(long)}"#
      let found = try units(#"{"input_tokens":1,\#(total)"cache_creation":\#(parts)}"#)
      return [found[.cacheWriteTokens], found[.cacheWrite1hTokens]]
    }
    #expect(try split(2000, 500, total: 2500) == ["2000", "500"])
    #expect(try split(2000, 500, total: nil) == ["2000", "500"])
    // With tools that run there the parts are those of the first step only.
    #expect(try split(2000, 500, total: 4000) == ["3500", "500"])
    #expect(try split(0, 500, total: 500) == [nil, "500"])
    #expect(try split(0, 500, total: 0) == [nil, "500"])
  }

  @Test(arguments: [#"{}"#, #"{"output_tokens":5}"#, #"{"input_tokens":-1}"#, #"{"input_tokens":1.5}"#, "[]"])
  func `what cannot be true is not stated`(_ usage: String) throws {
    #expect(try units(usage).isEmpty)
  }

  @Test func `the price of a message is that of the list`() throws {
    func each(_ text: String) throws -> ExactDecimal { try #require(ExactDecimal(text)) }
    let price = Price(
      provider: "anthropic", model: "claude-sonnet-4-6",
      rows: [
        .init(unit: .inputTokens, each: try each("0.000003")),
        .init(unit: .cachedInputTokens, each: try each("0.0000003")),
        .init(unit: .cacheWriteTokens, each: try each("0.00000375")),
        .init(unit: .cacheWrite1hTokens, each: try each("0.000006")),
        .init(unit: .outputTokens, each: try each("0.000015")),
      ])
    var usage = AnthropicUsage()
    usage.take(
      try value(
        #"{"input_tokens":1000,"cache_creation_input_tokens":2500,"cache_read_input_tokens":10000,"output_tokens":800,"#
          + #""cache_creation":{"ephemeral_5m_input_tokens":2000,"ephemeral_1h_input_tokens":500}}"#
      ))
    // 3,000 + 7,500 + 3,000 + 3,000 + 12,000 millionths.
    #expect(price.cost(of: usage.units) == Money("0.0285"))
  }
}
