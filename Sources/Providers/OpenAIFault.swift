import Contracts

/// What an answer that is no success means. Pure. The taxonomy is that of `ProviderFailure.Kind`; the provider's words
/// are looked at for their codes only and never repeated.
enum OpenAIFault {
  /// - Parameters:
  ///   - body: the error document, if there is one: `{"error": {"type", "code", ...}}`.
  ///   - retryAfter: the header's text.
  static func failure(status: Int, body: [UInt8], retryAfter: String?, now: Timestamp) -> ProviderFailure {
    let codes = codes(in: body)
    if !codes.isDisjoint(with: moneyCodes) { return ProviderFailure(.account, "no money left there (\(status))") }
    if !codes.isDisjoint(with: refusalCodes) { return ProviderFailure(.contentRefused, "content refused (\(status))") }
    if codes.contains("model_not_found") { return ProviderFailure(.notFound, "model not found (\(status))") }
    switch status {
    case 401, 402, 403: return ProviderFailure(.account, "key refused or account closed (\(status))")
    case 404, 405, 410: return ProviderFailure(.notFound, "model or endpoint not found (\(status))")
    case 429:
      let pause = retryAfter.flatMap { RetryAfter.duration($0, now: now) }
      return ProviderFailure(.rateLimited, "rate limited (429)", retryAfter: pause)
    case 451: return ProviderFailure(.contentRefused, "content refused (451)")
    // A gateway that gave up waiting: what it waited for may have been done.
    case 408, 504, 524: return ProviderFailure(.lost, "timed out behind its gateway (\(status))")
    // In conflict with a call under the same key, too early, failed for an inner reason: the same call may do later.
    case 409, 424, 425: return ProviderFailure(.server, "not now (\(status))")
    case 300..<400: return ProviderFailure(.malformed, "redirects, which is never followed (\(status))")
    case 400..<500: return ProviderFailure(.caller, "request refused (\(status))")
    default:
      let pause = retryAfter.flatMap { RetryAfter.duration($0, now: now) }
      return ProviderFailure(.server, "server error (\(status))", retryAfter: pause)
    }
  }

  /// An error document under status 200, as some relays send it; its own code stands for the status.
  static func failure(inside document: JSONValue, now: Timestamp) -> ProviderFailure? {
    guard let error = document["error"], error.isObject else { return nil }
    let status = error["code"]?.integer.flatMap { (400..<600).contains($0) ? $0 : nil } ?? 500
    return failure(status: status, body: Array(document.raw), retryAfter: nil, now: now)
  }

  private static let moneyCodes: Set<String> = [
    "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
    "billing_not_active",
  ]
  private static let refusalCodes: Set<String> = [
    "content_policy_violation", "content_filter", "moderation_blocked", "safety_violation",
  ]

  private static func codes(in body: [UInt8]) -> Set<String> {
    do {
      let error = try JSONParser.parse(body).root["error"]
      return Set([error?["type"]?.string, error?["code"]?.string].compactMap { $0 })
    } catch {
      return []  // no document of theirs, often a gateway's page: the status alone speaks
    }
  }
}
