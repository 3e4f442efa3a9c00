import Contracts

/// The text of a chat completion, and what goes with it. Pure.
struct ChatReply: Sendable, Hashable {
  var text: String
  var usage: [Usage]
  var statedCost: Money?
  /// As the provider names it.
  var model: String?

  /// A completion in one document; the text is that of its first choice.
  init(_ root: JSONValue) throws(ProviderFailure) {
    let usage = OpenAIUsage.tokens(root["usage"])
    guard let choice = root["choices"]?.elements.first, let message = choice["message"] else {
      throw ProviderFailure(.malformed, "answered without a choice", usage: usage)
    }
    try self.init(
      text: Self.text(of: message["content"]), isRefused: message["refusal"]?.string?.isEmpty == false,
      finishReason: choice["finish_reason"]?.string, usage: usage, statedCost: OpenAIUsage.cost(root["usage"]),
      model: root["model"]?.string)
  }

  /// Text that was cut at the output limit is a success with what there is; text that was withheld is a refusal.
  /// `usage` goes along with a failure, because it was used all the same.
  init(
    text: String?, isRefused: Bool, finishReason: String?, usage: [Usage], statedCost: Money?, model: String?
  ) throws(ProviderFailure) {
    if finishReason == "content_filter" || isRefused {
      throw ProviderFailure(.contentRefused, "the model withheld its answer", usage: usage)
    }
    if finishReason == "error" { throw ProviderFailure(.server, "the model failed midway", usage: usage) }
    guard let text = text ?? (finishReason == "length" ? "" : nil) else {
      throw ProviderFailure(.malformed, "answered without text", usage: usage)
    }
    self.text = text
    self.usage = usage
    self.statedCost = statedCost
    self.model = model
  }

  /// A string, or an array of parts of which the text ones count; nil for neither.
  static func text(of content: JSONValue?) -> String? {
    guard let content else { return nil }
    if let text = content.string { return text }
    let parts = content.elements.compactMap { $0["type"]?.string == "text" ? $0["text"]?.string : nil }
    return parts.isEmpty ? nil : parts.joined()
  }
}
