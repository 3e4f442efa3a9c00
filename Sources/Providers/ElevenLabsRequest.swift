import Contracts

/// A call for speech, from the payload of a job. Pure. Wire shape:
/// https://elevenlabs.io/docs/api-reference/text-to-speech/convert.
struct ElevenLabsRequest: Sendable {
  /// Below the base address, with its query.
  let path: String
  let body: [UInt8]
  let type: MediaType

  /// "George", one of the voices that every account has.
  static let defaultVoice = "JBFqnCBsd6RMkjVDRZzb"
  /// Frames a second of `pcm` and `wav`; 44,100 needs a dearer plan.
  static let sampleRate = 24_000
  static let formats = ["wav", "mp3", "opus", "pcm"]
  static let speeds = 0.7...1.2

  /// Nil for a format that is not offered. `wav` is asked for as bare samples and wrapped here.
  init?(model: String, payload: JSONValue) {
    let format = payload["format"]?.string ?? "wav"
    guard Self.formats.contains(format), let type = MediaType.speech(format: format) else { return nil }
    self.type = type
    let output =
      switch format {
      case "mp3": "mp3_44100_128"
      case "opus": "opus_48000_128"
      default: "pcm_\(Self.sampleRate)"
      }
    path = "/v1/text-to-speech/\(Self.voice(for: payload["voice"]?.string))?output_format=\(output)"
    var json = JSONWriter(capacity: payload.raw.count + 128)
    json.literal(#"{"text":"#)
    json.raw(payload["text"]?.raw ?? [])
    json.member("model_id", model)
    if let speed = payload["speed"], !speed.isNull {
      json.literal(#","voice_settings":{"speed":"#)
      json.raw(speed.raw)
      json.literal("}")
    }
    json.literal("}")
    body = json.bytes
  }

  /// Voices are named by 20 letters and digits. What is no such name belongs to another provider, from which the job
  /// falls back.
  static func voice(for wish: String?) -> String {
    guard let wish, wish.utf8.count == 20,
      wish.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: false
        }
      })
    else { return defaultVoice }
    return wish
  }

  /// Most characters of one text: https://help.elevenlabs.io/hc/en-us/articles/19572237925521. Nil for a model that is
  /// not listed there.
  static func longestText(of model: String) -> Int? {
    let limits = [
      ("eleven_flash_v2_5", 40_000), ("eleven_turbo_v2_5", 40_000), ("eleven_flash_v2", 30_000),
      ("eleven_turbo_v2", 30_000), ("eleven_multilingual_v", 10_000), ("eleven_v3", 5_000),
    ]
    return limits.first { model.hasPrefix($0.0) }?.1
  }
}
