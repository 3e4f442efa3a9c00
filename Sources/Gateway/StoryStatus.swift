import Contracts
import Operations

/// How a story stands, put together from its jobs. A pure value.
struct StoryStatus: Sendable {
  let id: StoryID
  /// By scene, speech and picture; nil for a job that is not known any more.
  let scenes: [(speech: JobStatus?, picture: JobStatus?)]
  let video: JobStatus?

  /// Whose it is: the video's sender. A job of somebody else under one of its names is none of it.
  let user: String

  /// Nil when none of its jobs is known. `statuses` are of `id.scenes` and behind them the video.
  init?(_ id: StoryID, _ statuses: [JobStatus?]) {
    let owners = statuses.reversed().compactMap { $0?.explanation.user }
    guard statuses.count == id.sceneCount * 2 + 1, let user = owners.first else { return nil }
    let statuses = statuses.map { $0?.explanation.user == user ? $0 : nil }
    self.id = id
    self.user = user
    scenes = (0..<id.sceneCount).map { (statuses[$0 * 2], statuses[$0 * 2 + 1]) }
    video = statuses[id.sceneCount * 2]
  }

  private var parts: [JobStatus] { scenes.flatMap { [$0.speech, $0.picture] }.compactMap { $0 } }

  /// Whether nothing more will happen to it by itself. Scenes of a story that failed may end behind it.
  var isOver: Bool { video?.isOver ?? false && parts.allSatisfy(\.isOver) }

  /// As of a job; what holds a scene back for good until somebody acts holds the story back.
  var status: String {
    if let video, video.isOver { return video.explanation.state == "dead" ? "failed" : video.explanation.state }
    let states = parts.map(\.explanation.state)
    if states.contains("blocked") { return "blocked" }
    if states.contains("running") || states.contains("succeeded") { return "running" }
    return states.contains("waiting") ? "waiting" : "queued"
  }

  /// The first scene that did not work, and why; where all have worked by now, the one because of which the film was given
  /// up. One that was cancelled is named only where none failed: it may be because another one did.
  private var failure: (scene: Int?, code: String, message: String)? {
    let failures = scenes.enumerated().flatMap { index, scene in
      [scene.speech, scene.picture].compactMap { part in
        part?.explanation.error.map { (index + 1, $0.code, "scene \(index + 1): \($0.message)") }
      }
    }
    if let first = failures.first(where: { $0.1 != EndCode.cancelled.rawValue }) { return first }
    let film = video?.explanation.error.map { (scene(namedIn: $0.message), $0.code, $0.message) }
    if let film, let scene = film.0 { return failures.first { $0.0 == scene } ?? film }
    return failures.first ?? film
  }

  /// Of the part because of which the film failed: the part may have succeeded since, in another run.
  private func scene(namedIn message: String) -> Int? {
    let index = id.scenes.firstIndex { message.hasPrefix("job \($0), for which it waits, ") }
    return index.map { $0 / 2 + 1 }
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
    let hasFile = state == "succeeded" && status?.output.flatMap { CostEvent.reference(in: $0) } != nil
    json.literal("{")
    json.member("id", job)
    json.member("status", state)
    json.member("reason", status?.explanation.reason)
    json.member("artifact", hasFile ? "/v1/jobs/\(job)/artifact" : nil)
    json.literal("}")
  }

  /// Of a job that is forgotten: its time is over, or Redis lost its memory and no worker has seen the job since. There
  /// is no film without all of its parts.
  private var unknownState: String { video?.explanation.state == "succeeded" ? "succeeded" : "unknown" }
}
