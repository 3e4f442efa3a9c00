import Contracts

/// A chat completion as it is written: `chat.completion.chunk` events, of which one tells why the text ends and the
/// last holds the usage, then `[DONE]`. Pure. Wire: https://platform.openai.com/docs/api-reference/chat-streaming.
///
/// Text counts as whole when a chunk said why it ends, or at `[DONE]`; a stream that ends before that was cut short,
/// and a chunk that is none spoils the stream, because what it held is unknown.
struct ChatStream: StreamReader {
  private var events = ServerSentEvents()
  private var text: String?
  private var isRefused = false
  private var finishReason: String?
  private var isDone = false
  private var statedCost: Money?
  private var model: String?
  private(set) var usage: [Usage] = []

  /// Bytes of text that are held at most.
  static let textLimit = 8 << 20
  /// Once the text is whole, its usage is waited for this long.
  static let patienceForUsage = Duration.seconds(1)
  /// Once nothing is missing, the end of the body, which makes the connection reusable, is waited for this long.
  static let patienceForEnd = Duration.milliseconds(100)

  mutating func read(_ piece: [UInt8]) throws(ProviderFailure) -> StreamProgress {
    var isContent = false
    for event in try events.feed(piece) where !isDone {
      if event.data.elementsEqual("[DONE]".utf8) {
        isDone = true
      } else if try take(event.data) {
        isContent = true
      }
    }
    if isDone || finishReason != nil && !usage.isEmpty { return .finishing(Self.patienceForEnd) }
    if finishReason != nil { return .finishing(Self.patienceForUsage) }
    return isContent ? .content : .waiting
  }

  func end() throws(ProviderFailure) -> ChatReply {
    guard isDone || finishReason != nil else {
      throw ProviderFailure(.malformed, "the answer was cut short", usage: usage)
    }
    return try ChatReply(
      text: text, isRefused: isRefused, finishReason: finishReason, usage: usage, statedCost: statedCost, model: model)
  }

  /// Whether the chunk carries a part of the answer, be it of what the model only thinks.
  private mutating func take(_ data: [UInt8]) throws(ProviderFailure) -> Bool {
    let chunk: JSONValue
    do {
      chunk = try JSONParser.parse(data).root
    } catch {
      throw ProviderFailure(.malformed, "streamed bad JSON", usage: usage)
    }
    if let stated = chunk["usage"], stated.isObject {
      usage = OpenAIUsage.tokens(stated)
      statedCost = OpenAIUsage.cost(stated)
    }
    if var failure = OpenAIFault.failure(inside: chunk) {
      failure.usage = usage
      throw failure
    }
    if model == nil { model = chunk["model"]?.string }
    guard let choice = chunk["choices"]?.elements.first, (choice["index"]?.integer ?? 0) == 0 else { return false }
    if let reason = choice["finish_reason"]?.string, !reason.isEmpty { finishReason = reason }
    let delta = choice["delta"]
    if delta?["refusal"]?.string?.isEmpty == false { isRefused = true }
    let part = ChatReply.text(of: delta?["content"])
    if let part {
      guard (text?.utf8.count ?? 0) + part.utf8.count <= Self.textLimit else {
        throw ProviderFailure(.malformed, "answered with more than \(Self.textLimit >> 20) MiB", usage: usage)
      }
      if text == nil { text = part } else { text?.append(part) }
    }
    let thought = delta?["reasoning_content"] ?? delta?["reasoning"]
    return part?.isEmpty == false || thought?.string?.isEmpty == false
  }
}
