/// What a job asks for. The raw value is the `taskType` of a job message and part of routing keys.
package enum TaskType: String, CaseIterable, Sendable {
  case tts, llm, image, video, embedding, echo

  /// Whether a call that was never heard of again may simply be made again: buying a second image or video is not
  /// acceptable, repeating a sentence is.
  package var mayRepeatUnknown: Bool {
    switch self {
    case .tts, .llm, .embedding, .echo: true
    case .image, .video: false
    }
  }
}
