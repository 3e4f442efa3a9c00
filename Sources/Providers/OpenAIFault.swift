import Contracts
import NIOHTTP1

/// What an answer that is no success means. Pure. The taxonomy is that of `ProviderFailure.Kind`; the provider's words
/// are looked at for their codes only and never repeated. Free text is no ground for what rests a provider, because it
/// may quote a user.
enum OpenAIFault {
  /// - Parameters:
  ///   - body: the error document, if there is one: `{"error": {"type", "code", ...}}`.
  ///   - retryAfter: text of the header of that name.
  ///   - retryAfterMilliseconds: text of `retry-after-ms`, the finer one of some providers.
  static func failure(
    status: Int, body: [UInt8], retryAfter: String?, retryAfterMilliseconds: String? = nil, now: Timestamp
  ) -> ProviderFailure {
    let pause =
      retryAfterMilliseconds.flatMap(RetryAfter.duration(milliseconds:))
      ?? retryAfter.flatMap { RetryAfter.duration($0, now: now) }
    do {
      return failure(status: status, error: try JSONParser.parse(body).root["error"], pause: pause)
    } catch {
      // No document of theirs, often a gateway's page: the status alone speaks.
      return failure(status: status, error: nil, pause: pause)
    }
  }

  static func failure(of reply: ProviderHTTP.Reply, now: Timestamp) -> ProviderFailure {
    failure(
      status: reply.status, body: reply.body, retryAfter: reply.headers.first(name: "Retry-After"),
      retryAfterMilliseconds: reply.headers.first(name: "retry-after-ms"), now: now)
  }

  /// An error document under status 200, as relays and streams send it; its own code or type stands for the status.
  static func failure(inside document: JSONValue) -> ProviderFailure? {
    guard let error = document["error"], error.isObject || error.string?.isEmpty == false else { return nil }
    let stated = error["code"]?.integer ?? error["code"]?.string.flatMap { Int($0) }
    let status = stated.flatMap { (400..<600).contains($0) ? $0 : nil } ?? status(ofTypes: codes(of: error))
    return failure(status: status, error: error, pause: nil)
  }

  /// `type` and `code` of an error.
  static func codes(of error: JSONValue?) -> Set<String> {
    Set([error?["type"]?.string, error?["code"]?.string].compactMap { $0 })
  }

  static let refusalCodes: Set<String> = [
    "content_policy_violation", "content_filter", "moderation_blocked", "safety_violation",
  ]
  private static let moneyCodes: Set<String> = [
    "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
    "billing_not_active", "billing_error", "insufficient_credits", "enforced_spend_limit_reached",
  ]
  /// Also of a single text that is too long: another model may take it.
  private static let lengthCodes: Set<String> = [
    "context_length_exceeded", "context_window_exceeded", "exceed_context_size_error", "string_above_max_length",
  ]

  private static func failure(status: Int, error: JSONValue?, pause: Duration?) -> ProviderFailure {
    let codes = codes(of: error)
    if !codes.isDisjoint(with: moneyCodes) || status == 402 {
      return ProviderFailure(.funds, "no money left there (\(status))")
    }
    if !codes.isDisjoint(with: refusalCodes) { return ProviderFailure(.contentRefused, "content refused (\(status))") }
    if !codes.isDisjoint(with: ["model_not_found", "model_not_supported"]) {
      return ProviderFailure(.notFound, "model not found (\(status))")
    }
    if !codes.isDisjoint(with: lengthCodes) || status == 400 && namesContextLength(error) {
      return ProviderFailure(.contextTooLong, "more than the model takes (\(status))")
    }
    switch status {
    case 401, 403: return ProviderFailure(.account, "key refused or account closed (\(status))")
    case 404, 405, 410: return ProviderFailure(.notFound, "model or endpoint not found (\(status))")
    case 429: return ProviderFailure(.rateLimited, "rate limited (429)", retryAfter: pause)
    case 451: return ProviderFailure(.contentRefused, "content refused (451)")
    // A gateway that gave up waiting: what it waited for may have been done.
    case 408, 504, 524: return ProviderFailure(.lost, "timed out behind its gateway (\(status))")
    // In conflict with a call under the same key, too early, failed for an inner reason: the same call may do later.
    case 409, 424, 425: return ProviderFailure(.server, "not now (\(status))", retryAfter: pause)
    case 300..<400: return ProviderFailure(.malformed, "redirects, which is never followed (\(status))")
    case 400..<500: return ProviderFailure(.caller, "request refused (\(status))")
    default: return ProviderFailure(.server, "server error (\(status))", retryAfter: pause)
    }
  }

  /// Servers without codes (vLLM) say it in these words. Who writes them into a prompt ends nothing but that job.
  private static func namesContextLength(_ error: JSONValue?) -> Bool {
    error?["message"]?.string?.contains("maximum context length") == true
  }

  private static func status(ofTypes types: Set<String>) -> Int {
    if !types.isDisjoint(with: ["rate_limit_exceeded", "rate_limit_error"]) { return 429 }
    if !types.isDisjoint(with: ["authentication_error", "invalid_api_key"]) { return 401 }
    return types.contains("invalid_request_error") ? 400 : 500
  }
}
