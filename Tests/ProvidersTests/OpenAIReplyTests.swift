import Contracts
import Testing

@testable import Providers

struct OpenAIReplyTests {
  private func text(_ body: String) throws -> String {
    try ChatReply(try JSONParser.parse(Array(body.utf8)).root).text
  }

  private func kind(_ body: String) -> ProviderFailure.Kind? {
    do {
      _ = try text(body)
      return nil
    } catch {
      return (error as? ProviderFailure)?.kind
    }
  }

  @Test func `text is taken from a string or from parts`() throws {
    #expect(try text(#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#) == "hi")
    let parts = #"[{"type":"text","text":"a"},{"type":"thinking","thinking":"x"},{"type":"text","text":"b"}]"#
    #expect(try text(#"{"choices":[{"message":{"content":\#(parts)}}]}"#) == "ab")
  }

  @Test func `text that was cut at the limit is a success`() throws {
    #expect(try text(#"{"choices":[{"message":{"content":"ha"},"finish_reason":"length"}]}"#) == "ha")
    #expect(try text(#"{"choices":[{"message":{"content":null},"finish_reason":"length"}]}"#) == "")
  }

  @Test func `withheld, broken and missing text are told apart`() throws {
    #expect(kind(#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#) == .contentRefused)
    #expect(kind(#"{"choices":[{"message":{"content":null,"refusal":"no"}}]}"#) == .contentRefused)
    #expect(kind(#"{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}"#) == .server)
    for body in [#"{"choices":[]}"#, "{}", "[]", #"{"choices":[{"message":{"content":null}}]}"#] {
      #expect(kind(body) == .malformed)
    }
  }

  @Test func `vectors keep the bytes they came in`() throws {
    let body = #"""
      {"data":[{"index":1,"embedding":[ 1.50,-2e-3 ]},{"index":0,"embedding":[0.10]}],"model":"m [1,2]",
       "usage":{"prompt_tokens":3}}
      """#
    let reply = try EmbeddingReply(Array(body.utf8), count: 2)
    #expect(String(decoding: reply.output, as: UTF8.self) == #"{"vectors":[[0.10],[ 1.50,-2e-3 ]]}"#)
    #expect(reply.model == "m [1,2]")
    #expect(reply.usage?["prompt_tokens"]?.integer == 3)
  }

  @Test func `more numbers than the strict parser takes in one text are no hindrance`() throws {
    let vector = "[" + [String](repeating: "0.125", count: 1536).joined(separator: ",") + "]"
    let entries = (0..<100).map { #"{"index":\#($0),"embedding":\#(vector)}"# }.joined(separator: ",")
    let reply = try EmbeddingReply(Array(#"{"data":[\#(entries)]}"#.utf8), count: 100)
    #expect(reply.vectors.count == 100)
  }

  @Test(arguments: [
    #"{"data":[{"index":0,"embedding":[1]}]}"#, #"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
    #"{"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[1]}]}"#,
    #"{"data":[{"index":0,"embedding":"x"},{"index":1,"embedding":[1]}]}"#,
    #"{"data":[{"index":0,"embedding":0},{"index":1,"embedding":1}]}"#,
    #"{"data":[{"index":0,"embedding":[1,,2]},{"index":1,"embedding":[1]}]}"#,
    #"{"data":[{"index":0,"embedding":[1"#, "{}", "", "[1", #"{"data":[1,2]}"#,
  ])
  func `an answer without a vector for each input is malformed`(body: String) {
    let fault = #expect(throws: ProviderFailure.self) { try EmbeddingReply(Array(body.utf8), count: 2) }
    #expect(fault?.kind == .malformed)
  }
}
