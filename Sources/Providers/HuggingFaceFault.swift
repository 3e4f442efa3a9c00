import Contracts

/// What an answer of the inference servers that is no success means: `{"error": "..."}`, with `estimated_time` in
/// seconds while a model is being loaded. Pure. Its words are never repeated.
enum HuggingFaceFault {
  static func failure(of reply: ProviderHTTP.Reply, now: Timestamp) -> ProviderFailure {
    let document = document(reply.body)
    if reply.status == 503, let seconds = document?["estimated_time"]?.numberText {
      let pause = RetryAfter.duration(seconds, now: now)
      return ProviderFailure(.server, "the model is being loaded (503)", retryAfter: pause)
    }
    let message = document?["error"]?.string?.lowercased() ?? ""
    // Where the message begins with it, it is theirs: it may go on to quote a user.
    if reply.status == 400, message.hasPrefix("model"), message.contains("not supported by") {
      return ProviderFailure(.notFound, "the model is not served there (400)")
    }
    return OpenAIFault.failure(of: reply, now: now)
  }

  private static func document(_ body: [UInt8]) -> JSONValue? {
    do {
      return try JSONParser.parse(body).root
    } catch {
      return nil  // no document of theirs, often a gateway's page: the status alone speaks
    }
  }
}
