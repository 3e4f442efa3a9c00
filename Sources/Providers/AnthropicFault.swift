import Contracts

/// What an answer of the Messages API that is no success means: `{"type":"error","error":{"type","message",...}}`, as
/// an answer or in the middle of a stream. Pure. Some cases Anthropic tells apart by its message alone: those are known
/// by how that begins, because further on it may quote a user. Its words are never repeated.
/// Reference: https://docs.anthropic.com/en/api/errors.
enum AnthropicFault {
  static func failure(of reply: ProviderHTTP.Reply, now: Timestamp) -> ProviderFailure {
    do {
      let error = try JSONParser.parse(reply.body).root["error"]
      return special(status: reply.status, error: error) ?? OpenAIFault.failure(of: reply, now: now)
    } catch {
      // No document of theirs, often a gateway's page: the status alone speaks.
      return OpenAIFault.failure(of: reply, now: now)
    }
  }

  /// Of an `error` event; its type stands for the status.
  static func failure(inside event: JSONValue) -> ProviderFailure {
    let error = event["error"]
    let status = error?["type"]?.string.flatMap { statuses[$0] } ?? 500
    return special(status: status, error: error)
      ?? OpenAIFault.failure(status: status, body: [], retryAfter: nil, now: Timestamp(milliseconds: 0))
  }

  private static let statuses = [
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504,
    "overloaded_error": 529,
  ]

  private static func special(status: Int, error: JSONValue?) -> ProviderFailure? {
    let message = error?["message"]?.string?.lowercased() ?? ""
    func begins(_ phrases: String...) -> Bool { phrases.contains { message.hasPrefix($0) } }

    let isMoney =
      error?["type"]?.string == "billing_error"
      || error?["details"]?["error_code"]?.string == "enforced_spend_limit_reached"
      || (status == 400 && begins("your credit balance is too low", "you have reached your specified"))
    if isMoney { return ProviderFailure(.funds, "no money left there (\(status))") }
    if status == 400 || status == 413, begins("prompt is too long", "input length and `max_tokens` exceed") {
      return ProviderFailure(.contextTooLong, "more than the model takes (\(status))")
    }
    if status == 400, begins("output blocked by content filtering policy") {
      return ProviderFailure(.contentRefused, "content refused (400)")
    }
    return nil
  }
}
