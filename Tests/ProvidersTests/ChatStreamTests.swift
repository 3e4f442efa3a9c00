import Contracts
import Testing

@testable import Providers

struct ChatStreamTests {
  private let usage = #"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#

  private func delta(_ text: String, finish: String? = nil, more: String = "") -> String {
    let reason = finish.map { "\"\($0)\"" } ?? "null"
    return #"""
      data: {"model":"m-2","choices":[{"index":0,"delta":{"content":"\#(text)"\#(more)},"finish_reason":\#(reason)}]}
      """#
  }

  /// What is told after each event, and the end.
  private func read(_ events: [String]) -> ([StreamProgress], Result<ChatReply, ProviderFailure>) {
    var reader = ChatStream()
    var progress: [StreamProgress] = []
    do throws(ProviderFailure) {
      for event in events { progress.append(try reader.read(Array((event + "\n\n").utf8))) }
      return (progress, .success(try reader.end()))
    } catch {
      return (progress, .failure(error))
    }
  }

  private func failure(_ events: [String]) -> ProviderFailure? {
    if case .failure(let failure) = read(events).1 { failure } else { nil }
  }

  @Test func `a whole stream is text, usage and the version that answered`() throws {
    let (progress, answer) = read([
      delta(""), delta("a"), delta(" b"), delta("", finish: "stop"), usage, "data: [DONE]",
    ])
    let end = ChatStream.patienceForEnd
    #expect(
      progress == [
        .waiting, .content, .content, .finishing(ChatStream.patienceForUsage), .finishing(end), .finishing(end),
      ])
    let reply = try answer.get()
    #expect(reply.text == "a b")
    #expect(reply.usage.map(\.unit) == [.inputTokens, .outputTokens])
    #expect(reply.model == "m-2")
  }

  @Test func `comments and greetings are no content, thoughts are`() {
    #expect(read([": waiting"]).0 == [.waiting])
    #expect(read([delta("", more: #","reasoning_content":"hm""#)]).0 == [.content])
    #expect(read([#"data: {"choices":[]}"#]).0 == [.waiting])
    #expect(read([#"data: {"choices":[{"index":1,"delta":{"content":"other"}}]}"#]).0 == [.waiting])
  }

  @Test func `text is whole when the stream said why it ends, or that it ends`() throws {
    #expect(try read([delta("a", finish: "stop")]).1.get().text == "a")
    #expect(try read([delta("a", finish: "length")]).1.get().text == "a")
    #expect(try read([delta("a"), "data: [DONE]"]).1.get().text == "a")
    #expect(try read([delta("a", finish: "stop")]).1.get().usage.isEmpty)
    #expect(failure([delta("a")])?.kind == .malformed)
    #expect(failure([delta("a", finish: "")])?.kind == .malformed)
    #expect(failure([])?.kind == .malformed)
    #expect(failure(["data: [DONE]"])?.kind == .malformed)
  }

  @Test func `what was used goes along with what fails`() {
    let refused = failure([usage, delta("a", finish: "content_filter")])
    #expect(refused?.kind == .contentRefused)
    #expect(refused?.usage.count == 2)
    #expect(failure([usage, delta("a")])?.usage.count == 2)
    #expect(failure([usage, "data: {"])?.usage.count == 2)
    let failed = failure([usage, #"data: {"error":{"code":"rate_limit_exceeded","message":"PRIVATE"}}"#])
    #expect(failed?.kind == .rateLimited)
    #expect(failed?.usage.count == 2)
    #expect(failed?.detail.contains("PRIVATE") == false)
  }

  @Test func `one bad event spoils the stream, but not behind its end`() throws {
    #expect(failure([delta("a"), "data: {\"choices\":[{", delta("b", finish: "stop")])?.kind == .malformed)
    #expect(failure([delta("a"), #"data: {"error":{"message":"m"}}"#, delta("b", finish: "stop")])?.kind == .server)
    #expect(try read([delta("a", finish: "stop"), "data: [DONE]", "data: {"]).1.get().text == "a")
  }

  @Test func `a refusal in words is a refusal`() {
    let refusal = #"data: {"choices":[{"delta":{"refusal":"I cannot"},"finish_reason":null}]}"#
    #expect(failure([refusal, delta("", finish: "stop")])?.kind == .contentRefused)
  }

  @Test func `text is bounded, whatever the stream may be`() {
    var reader = ChatStream()
    let event = Array((delta(String(repeating: "x", count: 1 << 19)) + "\n\n").utf8)
    var count = 0
    do {
      while count < 100 {
        _ = try reader.read(event)
        count += 1
      }
    } catch {
      #expect(error.kind == .malformed)
    }
    #expect(count == 16)
  }
}
