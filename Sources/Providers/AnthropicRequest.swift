import Contracts

/// The body of a call to the Messages API, from the payload of a job. Pure. Contents are copied as the bytes they came
/// in; messages of the system become the `system` member; nothing says who the user is.
/// Wire shape: https://docs.anthropic.com/en/api/messages.
enum AnthropicRequest {
  static func body(model: String, payload: JSONValue) -> [UInt8] {
    var json = JSONWriter(capacity: payload.raw.count + 256)
    json.literal("{")
    json.member("model", model)
    json.member("max_tokens", Int64(payload["maxTokens"]?.integer ?? OpenAIRequest.defaultMaximumTokens))
    json.literal(#","stream":true"#)
    let messages = messages(in: payload)
    let system = messages.filter(\.isFromSystem).flatMap { blocks(of: $0["content"]) }
    if !system.isEmpty {
      json.literal(#","system":["#)
      for (index, block) in system.enumerated() {
        if index > 0 { json.literal(",") }
        json.raw(block)
      }
      json.literal("]")
    }
    json.literal(#","messages":["#)
    if messages.isEmpty {
      json.literal(#"{"role":"user","content":"#)
      json.raw(payload["prompt"]?.raw ?? [])
      json.literal("}")
    }
    for (index, message) in messages.filter({ !$0.isFromSystem }).enumerated() {
      json.literal(index > 0 ? #",{"role":"# : #"{"role":"#)
      json.raw(message["role"]?.raw ?? [])
      json.literal(#","content":"#)
      json.raw(message["content"]?.raw ?? [])
      json.literal("}")
    }
    json.literal("]")
    if let temperature = payload["temperature"], !temperature.isNull {
      json.literal(#","temperature":"#)
      json.raw(temperature.raw)
    }
    json.literal("}")
    return json.bytes
  }

  /// Why these messages cannot be sent there; nil when they can.
  static func refusal(of payload: JSONValue) -> String? {
    let messages = messages(in: payload)
    if !messages.isEmpty, messages.allSatisfy(\.isFromSystem) { return "no message of a user" }
    for message in messages {
      guard ["system", "developer", "user", "assistant"].contains(message["role"]?.string) else {
        return "a role of a message is not offered"
      }
      for part in message["content"]?.elements ?? [] {
        guard ["text", "image", "document"].contains(part["type"]?.string) else {
          return "a kind of message content is not offered"
        }
      }
    }
    if let temperature = payload["temperature"]?.double, temperature > 1 { return "temperature above 1 is not offered" }
    return nil
  }

  /// Empty for a payload of a mere prompt.
  private static func messages(in payload: JSONValue) -> [JSONValue] { payload["messages"]?.elements ?? [] }

  /// Texts without a character are left out, the API refuses them.
  private static func blocks(of content: JSONValue?) -> [[UInt8]] {
    guard let content else { return [] }
    if content.isArray { return content.elements.map { Array($0.raw) } }
    guard let text = content.string, !text.isEmpty else { return [] }
    var json = JSONWriter(capacity: content.raw.count + 32)
    json.literal(#"{"type":"text","text":"#)
    json.raw(content.raw)
    json.literal("}")
    return [json.bytes]
  }
}

extension JSONValue {
  fileprivate var isFromSystem: Bool { ["system", "developer"].contains(self["role"]?.string) }
}
