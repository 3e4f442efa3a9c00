import Contracts
import Operations

/// How a story stands, put together from its jobs. A pure value.
struct StoryStatus: Sendable {
  let id: StoryID
  /// By scene, speech and picture; nil for a job that is not known any more.
  let scenes: [(speech: JobStatus?, picture: JobStatus?)]
  let video: JobStatus?

  /// Nil when none of its jobs is known. `statuses` are of `id.scenes` and behind them the video.
  init?(_ id: StoryID, _ statuses: [JobStatus?]) {
    guard statuses.count == id.sceneCount * 2 + 1, statuses.contains(where: { $0 != nil }) else { return nil }
    self.id = id
    scenes = (0..<id.sceneCount).map { (statuses[$0 * 2], statuses[$0 * 2 + 1]) }
    video = statuses[id.sceneCount * 2]
  }

  private var parts: [JobStatus] { scenes.flatMap { [$0.speech, $0.picture] }.compactMap { $0 } }

  var user: String? { (parts + [video].compactMap { $0 }).compactMap(\.explanation.user).first }

  /// Whether nothing more will happen to it by itself.
  var isOver: Bool { video?.isOver ?? false }

  /// As of a job; what holds a scene back for good until somebody acts holds the story back.
  var status: String {
    if let video, video.isOver { return video.explanation.state == "dead" ? "failed" : video.explanation.state }
    let states = parts.map(\.explanation.state)
    if states.contains("blocked") { return "blocked" }
    if states.contains("running") || states.contains("succeeded") { return "running" }
    return states.contains("waiting") ? "waiting" : "queued"
  }

  /// Scenes that did not work, and why, the first one first.
  private var failure: (scene: Int?, code: String, message: String)? {
    for (index, scene) in scenes.enumerated() {
      for part in [scene.speech, scene.picture].compactMap({ $0 }) {
        if let error = part.explanation.error {
          return (index + 1, error.code, "scene \(index + 1): \(error.message)")
        }
      }
    }
    return video?.explanation.error.map { (nil, $0.code, $0.message) }
  }

  /// Of what has ended; the ledger has the exact sum.
  private var cost: Money {
    (parts + [video].compactMap { $0 }).reduce(.zero) { sum, part in
      sum + (part.explanation.costUsd.flatMap { Money($0) } ?? .zero)
    }
  }

  func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 512 + scenes.count * 256)
    json.literal("{")
    json.member("storyId", id.text)
    json.member("status", status)
    json.member("userId", user)
    json.key("scenes")
    json.literal("[")
    for (index, scene) in scenes.enumerated() {
      json.literal(index > 0 ? ",{" : "{")
      json.member("scene", Int64(index + 1))
      json.key("speech")
      write(scene.speech, id.speech(index + 1), to: &json)
      json.key("image")
      write(scene.picture, id.picture(index + 1), to: &json)
      json.literal("}")
    }
    json.literal("]")
    json.key("video")
    write(video, id.video, to: &json)
    json.key("cost")
    json.literal("{")
    json.member("amount", cost.description)
    json.member("currency", "USD")
    json.literal("}")
    json.key("error")
    if let failure {
      json.literal("{")
      json.member("code", failure.code)
      json.member("message", failure.message)
      json.key("scene")
      if let scene = failure.scene { json.integer(Int64(scene)) } else { json.literal("null") }
      json.literal("}")
    } else {
      json.literal("null")
    }
    json.literal("}")
    return json.bytes
  }

  private func write(_ status: JobStatus?, _ job: String, to json: inout JSONWriter) {
    let state = status?.explanation.state ?? unknownState
    json.literal("{")
    json.member("id", job)
    json.member("status", state)
    json.member("reason", status?.explanation.reason)
    json.member("artifact", status?.explanation.state == "succeeded" ? "/v1/jobs/\(job)/artifact" : nil)
    json.literal("}")
  }

  /// Of a job that is forgotten: its time is over, or Redis lost its memory and no worker has seen the job since. There
  /// is no film without all of its parts.
  private var unknownState: String { video?.explanation.state == "succeeded" ? "succeeded" : "unknown" }
}
