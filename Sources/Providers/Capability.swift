package import Catalog
package import Contracts

/// What the kinds of providers can do. Pure; asked before a job is sent, so that a job that one provider would refuse
/// goes to the next instead. Only what is known for sure: everything else is left to the provider.
package enum Capability {
  /// Why a provider of this kind cannot do the job with this model, in a few words without anything of the job's texts;
  /// nil when it can, as far as is known.
  package static func refusal(of kind: ProviderDefinition.Kind, model: String, for job: Job) -> String? {
    let task = job.taskType
    guard tasks(of: kind).contains(task) else { return "\(task.rawValue) is not served" }
    let payload = job.payload
    switch task {
    case .tts: return speech(kind, model, payload)
    case .llm: return kind == .anthropic ? AnthropicRequest.refusal(of: payload) : nil
    case .image: return images(kind, model, payload)
    case .embedding:
      let inputs = payload["input"]?.elements.count ?? 1
      return kind == .openai && model.hasPrefix("text-embedding-") && inputs > 2048 ? "more than 2,048 inputs" : nil
    case .video:
      if kind == .ffmpeg { return FilmRequest.refusal(of: payload) }
      return kind != .echo && OpenAIRequest.videos(model: model, payload: payload) == nil
        ? "no word of what to show" : nil
    case .echo: return nil
    }
  }

  private static func tasks(of kind: ProviderDefinition.Kind) -> Set<TaskType> {
    switch kind {
    case .openai, .local: [.tts, .llm, .image, .video, .embedding]
    case .anthropic: [.llm]
    case .elevenlabs, .espeak: [.tts]
    case .card: [.image]
    case .ffmpeg: [.video]
    case .huggingface: [.tts, .llm, .image, .embedding]
    case .echo: Set(TaskType.allCases)
    }
  }

  private static func speech(_ kind: ProviderDefinition.Kind, _ model: String, _ payload: JSONValue) -> String? {
    let format = payload["format"]?.string
    if let offered = formats(of: kind), !offered.contains(format ?? "wav") { return "the audio format is not offered" }
    if let longest = longestText(of: kind, model), payload["text"]?.string?.unicodeScalars.count ?? 0 > longest {
      return "the text is longer than \(longest) characters"
    }
    guard let speed = payload["speed"]?.double else { return nil }
    let offered =
      switch kind {
      case .elevenlabs: ElevenLabsRequest.speeds.contains(speed)
      case .huggingface: speed == 1
      case .openai, .anthropic, .local, .espeak, .card, .ffmpeg, .echo: true
      }
    return offered ? nil : "the speed is not offered"
  }

  /// Nil where any will do.
  private static func formats(of kind: ProviderDefinition.Kind) -> [String]? {
    switch kind {
    case .openai, .local: ["wav", "mp3", "opus", "aac", "flac", "pcm"]
    case .elevenlabs: ElevenLabsRequest.formats
    case .huggingface: ["wav", "flac"]
    case .espeak: ["wav"]
    case .echo, .anthropic, .card, .ffmpeg: nil
    }
  }

  /// Characters of one text; nil where no limit is known.
  private static func longestText(of kind: ProviderDefinition.Kind, _ model: String) -> Int? {
    switch kind {
    // https://platform.openai.com/docs/api-reference/audio/createSpeech
    case .openai: model.hasPrefix("tts-1") || model.hasPrefix("gpt-4o-mini-tts") ? 4096 : nil
    case .elevenlabs: ElevenLabsRequest.longestText(of: model)
    case .anthropic, .huggingface, .local, .espeak, .card, .ffmpeg, .echo: nil
    }
  }

  private static func images(_ kind: ProviderDefinition.Kind, _ model: String, _ payload: JSONValue) -> String? {
    if kind == .card { return CardProvider.refusal(of: payload) }
    let makesOne = kind == .huggingface || (kind == .openai && model.hasPrefix("dall-e-3"))
    return makesOne && payload["n"]?.integer ?? 1 > 1 ? "one picture at a time" : nil
  }
}
