import Contracts

/// Reads the text out of a chat completion. Pure.
enum ChatReply {
  /// The text of the first choice. A choice that was cut at the output limit is a success with what there is; one that
  /// was withheld is a refusal. `usage` goes along with a failure, because it was used all the same.
  static func text(in root: JSONValue, usage: [Usage]) -> Result<String, ProviderFailure> {
    guard let choice = root["choices"]?.elements.first, let message = choice["message"] else {
      return .failure(ProviderFailure(.malformed, "answered without a choice", usage: usage))
    }
    let reason = choice["finish_reason"]?.string
    if reason == "content_filter" || message["refusal"]?.string?.isEmpty == false {
      return .failure(ProviderFailure(.contentRefused, "the model withheld its answer", usage: usage))
    }
    if reason == "error" { return .failure(ProviderFailure(.server, "the model failed midway", usage: usage)) }
    if let text = text(of: message["content"]) { return .success(text) }
    if reason == "length" { return .success("") }
    return .failure(ProviderFailure(.malformed, "answered without text", usage: usage))
  }

  /// A string, or an array of parts of which the text ones count.
  private static func text(of content: JSONValue?) -> String? {
    guard let content else { return nil }
    if let text = content.string { return text }
    let parts = content.elements.compactMap { $0["type"]?.string == "text" ? $0["text"]?.string : nil }
    return parts.isEmpty ? nil : parts.joined()
  }
}
