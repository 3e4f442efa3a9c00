import Contracts

/// The jobs that a story becomes: speech and a picture for each scene, and one video that waits for all of them. A pure
/// function of the request, so that the same request gives the same bytes.
struct StoryPlan: Sendable {
  struct Part: Sendable {
    var id: String
    var taskType: TaskType
    /// Counts from 1; nil for the video.
    var scene: Int?
    /// A job message.
    var body: [UInt8]
  }

  let id: StoryID
  /// Stands first: scenes that come without their video would be paid for in vain, a video that comes without its scenes
  /// ends by itself.
  let video: Part
  /// In chunks of the batch size, the speech of a chunk before its pictures: what can travel in one call arrives together.
  let scenes: [Part]

  var parts: [Part] { [video] + scenes }

  /// The most characters of the video's own prompt, for providers that make it out of words.
  private static let longestPrompt = 4_000

  /// - Parameters:
  ///   - message: of the request; its digest stands in the video's job, whose id belongs to this request alone.
  ///   - chunk: scenes of one; the tier's batch size.
  init(_ request: StoryRequest, id: StoryID, userID: String, message: [UInt8], chunk: Int) {
    self.id = id
    let writer = PartWriter(request: request, id: id, userID: userID)
    video = writer.video(digest: JobMessage.digest(of: message))
    let numbers = Array(1...request.scenes.count)
    scenes = stride(from: 0, to: numbers.count, by: max(1, chunk)).flatMap { start in
      let chunk = numbers[start..<min(start + max(1, chunk), numbers.count)]
      return chunk.map { writer.speech($0) } + chunk.map { writer.picture($0) }
    }
  }

  private struct PartWriter {
    let request: StoryRequest
    let id: StoryID
    let userID: String

    func speech(_ scene: Int) -> Part {
      part(id.speech(scene), .tts, scene) { json in
        json.member("text", request.scenes[scene - 1].narration)
        if let voice = request.voice { json.member("voice", voice) }
      }
    }

    func picture(_ scene: Int) -> Part {
      part(id.picture(scene), .image, scene) { json in
        let told = request.scenes[scene - 1]
        json.member("prompt", told.imagePrompt ?? told.narration)
        // Few providers make any size; a picture that lies is cut to the video's frame anyway.
        if !request.size.isLandscape { json.member("size", request.size.description) }
      }
    }

    func video(digest: String) -> Part {
      part(id.video, .video, nil, digest: digest) { json in
        json.member("prompt", prompt)
        json.member("size", request.size.description)
        if let frames = request.framesPerSecond { json.member("fps", Int64(frames)) }
        json.key("scenes")
        json.literal("[")
        for (index, scene) in request.scenes.enumerated() {
          if index > 0 { json.literal(",") }
          json.literal("{")
          json.member("scene", Int64(index + 1))
          json.member("image", id.picture(index + 1))
          json.member("speech", id.speech(index + 1))
          json.member("caption", scene.narration)
          json.literal("}")
        }
        json.literal("]")
      }
    }

    private var prompt: String {
      let told = ([request.title] + request.scenes.map { $0.imagePrompt ?? $0.narration }).compactMap { $0 }
      return String(told.joined(separator: "\n").prefix(StoryPlan.longestPrompt))
    }

    private func part(
      _ jobID: String, _ task: TaskType, _ scene: Int?, digest: String? = nil, _ payload: (inout JSONWriter) -> Void
    ) -> Part {
      var json = JSONWriter(capacity: 1024)
      json.literal("{")
      json.member("id", jobID)
      json.member("userId", userID)
      json.member("taskType", task.rawValue)
      if let tier = request.claimedTier { json.member("userTier", tier) }
      if let series = request.seriesID { json.member("seriesId", series) }
      json.key("payload")
      json.literal("{")
      payload(&json)
      json.literal("}")
      if scene == nil {
        json.key("after")
        json.literal("[")
        for (index, parent) in id.scenes.enumerated() {
          if index > 0 { json.literal(",") }
          json.string(parent)
        }
        json.literal("],\"ownsAfter\":true")
      }
      json.key("metadata")
      json.literal("{")
      json.member("storyId", id.text)
      if let scene { json.member("scene", String(scene)) }
      if let digest { json.member("request", digest) }
      json.literal("}}")
      return Part(id: jobID, taskType: task, scene: scene, body: json.bytes)
    }
  }
}
