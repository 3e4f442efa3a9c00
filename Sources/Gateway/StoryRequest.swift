import Contracts

/// What `POST /create-story` asks for: a script of scenes, and how the video shall be. Checked as far as a job message
/// is not; what is wrong is named by its member.
struct StoryRequest: Sendable {
  struct Scene: Sendable {
    var narration: String
    /// Nil: the picture is of what is told.
    var imagePrompt: String?
  }

  /// `WIDTHxHEIGHT`, both even.
  struct FrameSize: Sendable, CustomStringConvertible {
    var width, height: Int

    static let standard = FrameSize(width: 1280, height: 720)

    var description: String { "\(width)x\(height)" }
    var isLandscape: Bool { width >= height }

    init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }

    init?(reading text: String) {
      let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
      guard sides.count == 2, let width = sides[0], let height = sides[1] else { return nil }
      let range = 64...3840
      guard range.contains(width), range.contains(height), width % 2 == 0, height % 2 == 0 else { return nil }
      self.init(width: width, height: height)
    }
  }

  static let mostScenes = 60
  static let longestNarration = 5_000

  var title: String?
  var scenes: [Scene]
  var size = FrameSize.standard
  var voice: String?
  /// Nil for what the provider thinks best.
  var framesPerSecond: Int?
  var seriesID: String?
  /// As written; whether it counts is the policy's decision.
  var claimedTier: String?

  init(_ root: JSONValue) throws(Problem) {
    guard let script = root["script"], script.isObject else {
      throw Self.fault("script", "must be an object with scenes")
    }
    title = try Self.text("script.title", script["title"], upTo: 200)
    let scenes = script["scenes"]?.elements ?? []
    guard (1...Self.mostScenes).contains(scenes.count) else {
      throw Self.fault("script.scenes", "must be an array of 1 to \(Self.mostScenes) scenes")
    }
    self.scenes = []
    for (index, scene) in scenes.enumerated() {
      let name = "script.scenes[\(index)]"
      guard let narration = try Self.text("\(name).narration", scene["narration"], upTo: Self.longestNarration),
        narration.contains(where: { $0.isLetter || $0.isNumber })
      else { throw Self.fault("\(name).narration", "must be a text that can be told, with letters or digits") }
      self.scenes.append(
        Scene(
          narration: narration,
          imagePrompt: try Self.text("\(name).imagePrompt", scene["imagePrompt"], upTo: Self.longestNarration)))
    }
    seriesID = try Self.text("seriesId", root["seriesId"], upTo: 128)
    claimedTier = try Self.text("userTier", root["userTier"], upTo: 128)
    guard let video = root["videoConfig"], !video.isNull else { return }
    guard video.isObject else { throw Self.fault("videoConfig", "must be an object") }
    voice = try Self.text("videoConfig.voice", video["voice"], upTo: 128)
    if let text = try Self.text("videoConfig.size", video["size"], upTo: 16) {
      guard let size = FrameSize(reading: text) else {
        throw Self.fault("videoConfig.size", "must be WIDTHxHEIGHT, even numbers from 64 to 3840")
      }
      self.size = size
    }
    if let rate = video["fps"], !rate.isNull {
      guard let frames = rate.integer, (1...60).contains(frames) else {
        throw Self.fault("videoConfig.fps", "must be a whole number from 1 to 60")
      }
      framesPerSecond = frames
    }
  }

  /// Nil for a member that is not there, is null or is empty.
  private static func text(_ name: String, _ value: JSONValue?, upTo limit: Int) throws(Problem) -> String? {
    guard let value, !value.isNull else { return nil }
    guard let text = value.string, text.unicodeScalars.count <= limit else {
      throw fault(name, "must be a string of at most \(limit) characters")
    }
    return text.isEmpty ? nil : text
  }

  private static func fault(_ member: String, _ expectation: String) -> Problem {
    Problem(.invalidMessage, "\(member): \(expectation)", member: member)
  }
}
