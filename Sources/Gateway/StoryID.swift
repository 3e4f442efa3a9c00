import Contracts
import Crypto

/// The name of a story, from which those of its jobs follow; it says how many scenes there are, so that nobody has to
/// remember: `st-<18 characters>-<scenes>`.
struct StoryID: Sendable, Hashable {
  let text: String
  /// Without the scenes: what a repetition of the request has in common with it, whatever its script.
  let stem: String
  let sceneCount: Int

  private static let stemLength = 18

  /// A new one, or for an `Idempotency-Key` the one that this sender's request got before.
  init(scenes: Int, idempotencyKey: String?, sender: String, at time: Timestamp) {
    let stem: String
    if let idempotencyKey {
      let digest = SHA256.hash(data: Array("story|\(sender)|\(idempotencyKey)".utf8))
      stem = Identifier.base64url(bytes: Array(digest)).prefix(Self.stemLength)
        .map { $0.isLetter || $0.isNumber ? String($0) : "0" }.joined()
    } else {
      let random = Identifier.base36(UInt64.random(in: .min ... .max))
      stem = String((Identifier.base36(UInt64(max(0, time.milliseconds))) + random).prefix(Self.stemLength))
    }
    self.stem = "st-\(stem)"
    text = "st-\(stem)-\(scenes)"
    sceneCount = scenes
  }

  /// Nil for what cannot be the name of a story.
  init?(reading text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard Identifier.isValid(text), parts.count == 3, parts[0] == "st", (1...Self.stemLength).contains(parts[1].count),
      let scenes = Int(parts[2]), (1...StoryRequest.mostScenes).contains(scenes), String(scenes) == parts[2]
    else { return nil }
    self.text = text
    stem = "st-\(parts[1])"
    sceneCount = scenes
  }

  /// Whether a job of this name would be taken for one of a story.
  static func isOfStory(_ job: String) -> Bool {
    guard let dot = job.firstIndex(of: "."), let story = StoryID(reading: String(job[..<dot])) else { return false }
    return job == story.video || story.scenes.contains(job)
  }

  func speech(_ scene: Int) -> String { "\(text).s\(scene).speech" }
  func picture(_ scene: Int) -> String { "\(text).s\(scene).image" }
  var video: String { "\(text).video" }

  /// Jobs of the scenes, by scene, the speech first.
  var scenes: [String] { (1...sceneCount).flatMap { [speech($0), picture($0)] } }
}
