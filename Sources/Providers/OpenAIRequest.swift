import Contracts

/// The bodies of calls, from the payload of a job. Pure. Values of the payload are copied as the bytes they came in;
/// nothing in a body says who the user is.
struct OpenAIRequest: Sendable {
  /// Below the base address.
  var path: String
  var body: [UInt8]
  /// Most bytes that a successful answer may have.
  var limit: Int

  /// Every text call has an output limit, so that its worst case has a price.
  static let defaultMaximumTokens = 4_096
  static let textLimit = 8 << 20
  static let mediaLimit = 64 << 20

  /// Streamed, so that silence and a cut are seen, and with the usage at its end.
  /// - Parameter namesCompletionTokens: OpenAI itself has renamed `max_tokens`; compatible servers know the old name.
  static func chat(model: String, payload: JSONValue, namesCompletionTokens: Bool) -> OpenAIRequest {
    var json = JSONWriter(capacity: payload.raw.count + 256)
    json.literal(#"{"model":"#)
    json.string(model)
    json.literal(#","messages":"#)
    if let messages = payload["messages"], !messages.isNull {
      json.raw(messages.raw)
    } else {
      json.literal(#"[{"role":"user","content":"#)
      json.raw(payload["prompt"]?.raw ?? [])
      json.literal("}]")
    }
    if namesCompletionTokens { json.literal(#","max_completion_tokens":"#) } else { json.literal(#","max_tokens":"#) }
    json.integer(Int64(payload["maxTokens"]?.integer ?? defaultMaximumTokens))
    json.member(#","temperature":"#, payload["temperature"])
    json.literal(#","stream":true,"stream_options":{"include_usage":true}}"#)
    return OpenAIRequest(path: "/chat/completions", body: json.bytes, limit: textLimit)
  }

  /// Most bytes of a streamed text: an event around each token, of which there are as many as were asked for.
  static func streamLimit(_ payload: JSONValue) -> Int {
    min(max(textLimit, (payload["maxTokens"]?.integer ?? defaultMaximumTokens) << 10), 256 << 20)
  }

  static func embeddings(model: String, payload: JSONValue) -> OpenAIRequest {
    embeddings(model: model, input: payload["input"]?.raw ?? [])
  }

  /// - Parameter input: JSON text of a string, or of an array of strings.
  static func embeddings(model: String, input: some Collection<UInt8>) -> OpenAIRequest {
    var json = JSONWriter(capacity: input.count + 128)
    json.literal(#"{"model":"#)
    json.string(model)
    json.literal(#","input":"#)
    json.raw(input)
    json.literal(#","encoding_format":"float"}"#)
    return OpenAIRequest(path: "/embeddings", body: json.bytes, limit: mediaLimit)
  }

  /// Speech models that charge for tokens state them in a stream only.
  static func streamsSpeech(_ model: String) -> Bool { model.hasPrefix("gpt-") && model.contains("-tts") }

  /// - Parameter defaultVoice: for payloads without one, and for those that name a voice of another kind of provider
  ///   (`en_US-joe-medium`), because a job whose first provider is down speaks with another voice rather than not at all;
  ///   nil leaves the choice to the server.
  static func speech(model: String, payload: JSONValue, format: String, defaultVoice: String?) -> OpenAIRequest {
    var json = JSONWriter(capacity: payload.raw.count + 128)
    json.literal(#"{"model":"#)
    json.string(model)
    json.member(#","input":"#, payload["text"])
    let wish = payload["voice"]?.string.flatMap { defaultVoice != nil && isLocaleVoice($0) ? nil : $0 }
    if let voice = wish ?? defaultVoice {
      json.literal(#","voice":"#)
      json.string(voice)
    }
    json.literal(#","response_format":"#)
    json.string(format)
    json.member(#","speed":"#, payload["speed"])
    if streamsSpeech(model) { json.literal(#","stream_format":"sse""#) }
    json.literal("}")
    return OpenAIRequest(path: "/audio/speech", body: json.bytes, limit: mediaLimit)
  }

  /// `en_US-joe-medium`, `de_DE-...`: language, country, name, as the voices of piper are called.
  private static func isLocaleVoice(_ voice: String) -> Bool {
    let parts = voice.split(separator: "-", maxSplits: 1).first?.split(separator: "_") ?? []
    return parts.count == 2 && (2...3).contains(parts[0].count) && parts[1].count == 2
      && parts[1].allSatisfy(\.isUppercase)
  }

  static func images(model: String, payload: JSONValue) -> OpenAIRequest {
    var json = JSONWriter(capacity: payload.raw.count + 128)
    json.literal(#"{"model":"#)
    json.string(model)
    json.member(#","prompt":"#, payload["prompt"])
    json.literal(#","n":"#)
    json.integer(Int64(payload["n"]?.integer ?? 1))
    json.member(#","size":"#, payload["size"])
    json.member(#","quality":"#, payload["quality"])
    // These always answer with the picture itself and refuse to be told so.
    if !model.hasPrefix("gpt-image"), !model.hasPrefix("chatgpt-image") {
      json.literal(#","response_format":"b64_json""#)
    }
    json.literal("}")
    return OpenAIRequest(path: "/images/generations", body: json.bytes, limit: mediaLimit)
  }

  /// Scenes are told one after the other in one prompt: the API knows no parts of a clip. Nil for a payload without a
  /// word of what to show.
  static func videos(model: String, payload: JSONValue) -> OpenAIRequest? {
    let told = [payload["prompt"]] + (payload["scenes"]?.elements ?? []).map { $0["prompt"] ?? $0["text"] }
    let prompt = told.compactMap { $0?.string }.filter { !$0.isEmpty }.joined(separator: "\n")
    guard !prompt.isEmpty else { return nil }
    var json = JSONWriter(capacity: payload.raw.count + 128)
    json.literal(#"{"model":"#)
    json.string(model)
    json.literal(#","prompt":"#)
    json.string(prompt)
    if let seconds = payload["seconds"]?.decimal, seconds.mantissa > 0 {
      json.literal(#","seconds":"#)
      json.string(seconds.description)
    }
    json.member(#","size":"#, payload["size"])
    json.literal("}")
    return OpenAIRequest(path: "/videos", body: json.bytes, limit: textLimit)
  }
}

extension JSONWriter {
  /// A member of the payload under another name, if it is there.
  fileprivate mutating func member(_ name: StaticString, _ value: JSONValue?) {
    guard let value, !value.isNull else { return }
    literal(name)
    raw(value.raw)
  }
}
