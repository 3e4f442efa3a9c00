import Contracts

/// What a video job asks of `FFmpegProvider`, read out of its payload. Pure.
///
/// `scenes` is a list of `{image?, speech?, caption?}`: `image` and `speech` are the ids of jobs whose outputs stand in
/// `inputs`; without an image the scene shows a card of its caption. A scene lasts as long as its narration, without one
/// its share of `seconds`. Without scenes the `prompt` is shown on a card.
struct FilmRequest: Sendable, Hashable {
  struct Scene: Sendable, Hashable {
    var caption: String
    /// Where the file is, as the output of its job names it.
    var image: String?
    var speech: String?
  }

  let scenes: [Scene]
  let size: PictureSize
  let framesPerSecond: Int
  /// How long a scene without narration lasts.
  let silentSeconds: Double

  static let mostScenes = 60
  static let usualSeconds = 4.0
  static let sceneSeconds = 0.2...60
  static let rates = 1...60

  /// Why a payload cannot be filmed, as far as that shows without its inputs: in a few words without any of its texts;
  /// nil when it can.
  static func refusal(of payload: JSONValue) -> String? {
    let scenes = payload["scenes"]?.elements ?? []
    if scenes.isEmpty, payload["prompt"]?.string?.isEmpty ?? true { return "no word of what to show" }
    if scenes.count > mostScenes { return "more than \(mostScenes) scenes" }
    if PictureSize.asked(by: payload) == nil { return "the size is not offered" }
    if let fps = payload["fps"], !fps.isNull, !(fps.integer.map(rates.contains) ?? false) {
      return "fps is no whole number from \(rates.lowerBound) to \(rates.upperBound)"
    }
    let isWithin = sceneSeconds.contains(share(of: payload, scenes: scenes.count))
    return isWithin ? nil : "a scene without narration would not last from 0.2 to 60 seconds"
  }

  /// `seconds` is the length of the whole film, as it is at other providers.
  private static func share(of payload: JSONValue, scenes: Int) -> Double {
    guard let seconds = payload["seconds"]?.double, seconds > 0 else { return usualSeconds }
    return seconds / Double(max(1, scenes))
  }

  init(_ payload: JSONValue) throws(ProviderFailure) {
    guard Self.refusal(of: payload) == nil, let size = PictureSize.asked(by: payload) else {
      throw ProviderFailure(.local, "ffmpeg cannot film what the payload asks for")
    }
    self.size = size.even
    framesPerSecond = payload["fps"]?.integer ?? 25
    let elements = payload["scenes"]?.elements ?? []
    silentSeconds = Self.share(of: payload, scenes: elements.count)
    let files = Self.files(in: payload["inputs"])
    var scenes: [Scene] = []
    for (index, element) in elements.enumerated() {
      let caption = [element["caption"], element["prompt"], element["text"]].lazy.compactMap { $0?.string }.first
      var scene = Scene(caption: caption ?? "")
      scene.image = try Self.file(of: element["image"], in: files, "scenes[\(index)].image")
      scene.speech = try Self.file(of: element["speech"], in: files, "scenes[\(index)].speech")
      scenes.append(scene)
    }
    self.scenes = scenes.isEmpty ? [Scene(caption: payload["prompt"]?.string ?? "")] : scenes
  }

  private static func files(in inputs: JSONValue?) -> [String: String] {
    var files: [String: String] = [:]
    for input in inputs?.elements ?? [] {
      let output = input["output"]
      let artifact = output?["artifact"] ?? output?["artifacts"]?.elements.first
      if let id = input["id"]?.string, let path = artifact?["path"]?.string { files[id] = path }
    }
    return files
  }

  private static func file(
    of id: JSONValue?, in files: [String: String], _ member: String
  ) throws(ProviderFailure) -> String? {
    guard let id, !id.isNull else { return nil }
    guard let path = id.string.flatMap({ files[$0] }) else {
      throw ProviderFailure(.caller, "\(member): names no job of after that made a file", reachedProvider: false)
    }
    return path
  }
}
