import Contracts
import Foundation

/// Speech with its usage: `speech.audio.delta` events with parts of the audio, then one `speech.audio.done`. Wire
/// shape: https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event. Pure.
struct SpeechStream: StreamReader {
  struct Audio: Sendable, Hashable {
    var bytes: [UInt8]
    var usage: [Usage]
  }

  /// An event holds seconds of audio, not a whole text.
  private var events = ServerSentEvents(lineLimit: 8 << 20, eventLimit: 8 << 20)
  private var audio: [UInt8] = []
  private var isDone = false
  private(set) var usage: [Usage] = []

  mutating func read(_ piece: [UInt8]) throws(ProviderFailure) -> StreamProgress {
    var isContent = false
    for event in try events.feed(piece) where !isDone && !event.data.elementsEqual("[DONE]".utf8) {
      if try take(event.data) { isContent = true }
    }
    if isDone { return .finishing(ChatStream.patienceForEnd) }
    return isContent ? .content : .waiting
  }

  func end() throws(ProviderFailure) -> Audio {
    guard isDone else { throw ProviderFailure(.malformed, "the answer was cut short", usage: usage) }
    return Audio(bytes: audio, usage: usage)
  }

  private mutating func take(_ data: [UInt8]) throws(ProviderFailure) -> Bool {
    let event: JSONValue
    do {
      event = try JSONParser.parse(data).root
    } catch {
      throw ProviderFailure(.malformed, "streamed bad JSON")
    }
    if let failure = OpenAIFault.failure(inside: event) { throw failure }
    switch event["type"]?.string {
    case "speech.audio.delta":
      guard let part = event["audio"]?.string.flatMap({ Data(base64Encoded: $0) }) else {
        throw ProviderFailure(.malformed, "streamed something that is no audio")
      }
      audio.append(contentsOf: part)
      return !part.isEmpty
    case "speech.audio.done":
      isDone = true
      usage = OpenAIUsage.speechTokens(event["usage"])
      return false
    default: return false
    }
  }
}
