import Contracts

/// A message as it is written: `message_start`, blocks of content, `message_delta` with the reason of its end, and
/// `message_stop`. Pure. Only a message that was ended is an answer: anything else that the stream breaks off with is a
/// failure, with what it used so far. Wire shape: https://docs.anthropic.com/en/docs/build-with-claude/streaming.
struct AnthropicStream: StreamReader {
  struct Message: Sendable, Hashable {
    var text: String
    var usage: [Usage]
    /// As the provider names it.
    var model: String?
  }

  private var events = ServerSentEvents()
  private var text = ""
  private var model: String?
  private var stopReason: String?
  private var isComplete = false
  private var used = AnthropicUsage()

  var usage: [Usage] { used.units }

  mutating func read(_ piece: some Collection<UInt8>) throws(ProviderFailure) -> StreamProgress {
    var isContent = false
    for event in try events.feed(piece) where !isComplete {
      if try take(event.data) { isContent = true }
    }
    if isComplete { return .finishing(ChatStream.patienceForEnd) }
    return isContent ? .content : .waiting
  }

  /// Text that was cut at its output limit is a success with what there is.
  func end() throws(ProviderFailure) -> Message {
    guard isComplete, let stopReason else {
      throw ProviderFailure(.malformed, "the answer was cut short", usage: usage)
    }
    switch stopReason {
    case "refusal": throw ProviderFailure(.contentRefused, "the model withheld its answer", usage: usage)
    case "model_context_window_exceeded":
      throw ProviderFailure(.contextTooLong, "the answer outgrew what the model takes", usage: usage)
    default: return Message(text: text, usage: usage, model: model)
    }
  }

  /// Whether the event carries a part of the answer, be it of what the model only thinks.
  private mutating func take(_ data: [UInt8]) throws(ProviderFailure) -> Bool {
    let event: JSONValue
    do {
      event = try JSONParser.parse(data).root
    } catch {
      throw ProviderFailure(.malformed, "streamed bad JSON", usage: usage)
    }
    switch event["type"]?.string {
    case "message_start":
      model = event["message"]?["model"]?.string
      used.take(event["message"]?["usage"])
    case "content_block_start": return try append(event["content_block"]?["text"]?.string)
    case "content_block_delta":
      let delta = event["delta"]
      guard delta?["type"]?.string == "text_delta" else { return true }
      return try append(delta?["text"]?.string)
    case "message_delta":
      stopReason = event["delta"]?["stop_reason"]?.string ?? stopReason
      used.take(event["usage"])
    case "message_stop": isComplete = true
    case "error":
      var failure = AnthropicFault.failure(inside: event)
      failure.usage = usage
      throw failure
    default: break  // ping, the end of a block, and what may come to be
    }
    return false
  }

  private mutating func append(_ part: String?) throws(ProviderFailure) -> Bool {
    guard let part, !part.isEmpty else { return false }
    guard text.utf8.count + part.utf8.count <= ChatStream.textLimit else {
      throw ProviderFailure(.malformed, "answered with more than \(ChatStream.textLimit >> 20) MiB", usage: usage)
    }
    text += part
    return true
  }
}
