import Contracts
import Foundation

/// Several speech jobs in one call of a local server, `POST /v1/audio/speech/batch`: no API of others, but one that the
/// shipped piper server has and any may add (`deploy/models/piper/README.md` has its shape). Pure.
struct SpeechBatch: Sendable {
  /// What a server says about one item.
  enum Item: Sendable {
    case audio([UInt8])
    case failure(ProviderFailure)
    /// The answer would have grown too long: to be asked for by itself.
    case alone
  }

  static let path = "/audio/speech/batch"

  /// Never empty, all for one model.
  let calls: [ProviderCall]

  /// Whether a call fits in a batch: the only format of those is wav.
  static func takes(_ call: ProviderCall) -> Bool {
    call.job.taskType == .tts && call.job.payload["format"]?.string ?? "wav" == "wav"
  }

  var body: [UInt8] {
    var json = JSONWriter(capacity: calls.reduce(64) { $0 + $1.job.payload.raw.count + 32 })
    json.literal(#"{"model":"#)
    json.string(calls[0].model)
    json.literal(#","input":["#)
    for (index, call) in calls.enumerated() {
      if index > 0 { json.literal(",") }
      json.literal(#"{"input":"#)
      json.raw(call.job.payload["text"]?.raw ?? Array("null".utf8)[...])
      for (name, key) in [("voice", #","voice":"#), ("speed", #","speed":"#)] as [(String, StaticString)] {
        guard let value = call.job.payload[name], !value.isNull else { continue }
        json.literal(key)
        json.raw(value.raw)
      }
      json.literal("}")
    }
    json.literal(#"],"response_format":"wav"}"#)
    return json.bytes
  }

  /// As many items as there are calls, in their order.
  func items(in body: [UInt8], now: Timestamp) throws(ProviderFailure) -> [Item] {
    let entries: [JSONValue]
    do {
      entries = try JSONParser.parse(body).root["data"]?.elements ?? []
    } catch {
      throw ProviderFailure(.malformed, "answered with bad JSON")
    }
    guard entries.count == calls.count else {
      throw ProviderFailure(.malformed, "answered with another number of items than asked for")
    }
    return entries.map { entry in
      if let error = entry["error"], error.isObject {
        return Self.refusal(entry, code: error["code"]?.string, now: now)
      }
      guard let text = entry["audio"]?.string, let audio = Data(base64Encoded: text), !audio.isEmpty else {
        return .failure(ProviderFailure(.malformed, "answered without audio"))
      }
      return .audio(Array(audio))
    }
  }

  /// Items have a code and no status; the codes that are not the caller's fault are few.
  private static func refusal(_ entry: JSONValue, code: String?, now: Timestamp) -> Item {
    if code == "batch_too_large" { return .alone }
    let status = code == "server_error" ? 500 : 400
    return .failure(OpenAIFault.failure(status: status, body: Array(entry.raw), retryAfter: nil, now: now))
  }
}
