import Contracts

/// What an answer of ElevenLabs that is no success means: `{"detail": {"code", "status", ...}}`, of which older answers
/// have `status` alone and faults of validation a list. Pure. The name of the case decides before the status does: no
/// money left is 401 in one generation of the API and 402 in the next. Reference:
/// https://elevenlabs.io/docs/eleven-api/resources/errors.
enum ElevenLabsFault {
  static func failure(of reply: ProviderHTTP.Reply, now: Timestamp) -> ProviderFailure {
    let codes = codes(in: reply.body)
    let status = reply.status
    if !codes.isDisjoint(with: moneyCodes) { return ProviderFailure(.funds, "no money left there (\(status))") }
    if !codes.isDisjoint(with: lengthCodes) {
      return ProviderFailure(.contextTooLong, "more than the model takes (\(status))")
    }
    if !codes.isDisjoint(with: voiceCodes) { return ProviderFailure(.caller, "voice: not known there (\(status))") }
    if !codes.isDisjoint(with: modelCodes) { return ProviderFailure(.notFound, "model not found (\(status))") }
    var failure = OpenAIFault.failure(of: reply, now: now)
    // Of the service, not of the account's own rate.
    if codes.contains("system_busy") { failure.kind = .server }
    return failure
  }

  private static let moneyCodes: Set<String> = ["quota_exceeded", "insufficient_credits", "payment_required"]
  private static let lengthCodes: Set<String> = ["text_too_long", "max_character_limit_exceeded"]
  private static let voiceCodes: Set<String> = ["voice_not_found", "invalid_voice_id", "voice_access_denied"]
  private static let modelCodes: Set<String> = ["model_not_found", "unsupported_model", "model_access_denied"]

  private static func codes(in body: [UInt8]) -> Set<String> {
    do {
      let detail = try JSONParser.parse(body).root["detail"]
      return Set(["code", "status", "type"].compactMap { detail?[$0]?.string })
    } catch {
      return []  // no document of theirs, often a gateway's page: the status alone speaks
    }
  }
}
