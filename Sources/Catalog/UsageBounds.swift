import Contracts

/// The most that one attempt of a job can use, by the size of its request. Pure; knows nothing of prices.
struct UsageBounds {
  /// What is charged by the piece, each kind for itself. All with source `estimate`, as everything here.
  var pieces: [Usage] = []
  /// Tokens that are sent, of all kinds together.
  var input: Int?
  /// What all that is sent may be counted as; the plain kind first.
  var inputKinds: [Usage.Unit] = [.inputTokens]
  /// Tokens that come back.
  var output: Usage?
  /// Whether tokens are counted whoever serves the job; else only by those who charge for them.
  var isTokenized = false

  init(of payload: JSONValue, task: TaskType) {
    switch task {
    case .tts: boundSpeech(payload)
    case .llm: boundText(payload)
    case .image: boundImages(payload)
    case .video: boundVideo(payload)
    case .embedding:
      input = payload.raw.count
      isTokenized = true
    case .echo: pieces = Self.declared(payload)
    }
  }

  private static func estimate(_ unit: Usage.Unit, _ quantity: Int) -> Usage {
    Usage(unit, ExactDecimal(quantity), .estimate)
  }

  /// A token is at least one byte, and the JSON around the messages outweighs what a chat format adds to them. All of it
  /// may be read from a cache or written to one.
  private mutating func boundText(_ payload: JSONValue) {
    input = payload.raw.count
    inputKinds = [.inputTokens, .cachedInputTokens, .cacheWriteTokens]
    // Nothing is kept for an hour unless it was asked for.
    if Self.asksForAnHour(payload) { inputKinds.append(.cacheWrite1hTokens) }
    output = Self.estimate(.outputTokens, payload["maxTokens"]?.integer ?? WorstCase.defaultOutputTokens)
    isTokenized = true
  }

  private static func asksForAnHour(_ payload: JSONValue) -> Bool {
    (payload["messages"]?.elements ?? []).contains { message in
      (message["content"]?.elements ?? []).contains { $0["cache_control"]?["ttl"]?.string == "1h" }
    }
  }

  private mutating func boundSpeech(_ payload: JSONValue) {
    let text = payload["text"]?.string ?? ""
    let characters = text.unicodeScalars.count
    // A speed of 0.25 makes a text four times as long. The range is the payload rules'; milli-speeds keep it integral.
    let speed = Int(min(max(payload["speed"]?.double ?? 1, 0.25), 4) * 1000)
    let rate = WorstCase.charactersPerSecond * speed
    let seconds = (characters * 1000 + rate - 1) / rate
    pieces = [Self.estimate(.characters, characters), Self.estimate(.audioSeconds, seconds)]
    input = text.utf8.count
    output = Self.estimate(.outputAudioTokens, seconds * WorstCase.audioTokensPerSecond)
  }

  private mutating func boundImages(_ payload: JSONValue) {
    let count = payload["n"]?.integer ?? 1
    let dimensions = Usage.Dimensions(of: payload, task: .image)
    pieces = [Usage(.images, ExactDecimal(count), .estimate, dimensions: dimensions)]
    input = payload["prompt"]?.raw.count ?? 0
    output = Self.estimate(.outputImageTokens, count * Self.tokens(perImageOf: payload["size"]?.string))
  }

  /// In proportion to the pixels of `1024x1536` above that size.
  private static func tokens(perImageOf size: String?) -> Int {
    let sides = (size ?? "").lowercased().split(separator: "x").compactMap { Int($0) }
    guard sides.count == 2, sides.allSatisfy({ (1...65_536).contains($0) }) else { return WorstCase.tokensPerImage }
    let unit = 1024 * 1536
    return max(WorstCase.tokensPerImage, (sides[0] * sides[1] * WorstCase.tokensPerImage + unit - 1) / unit)
  }

  private mutating func boundVideo(_ payload: JSONValue) {
    let dimensions = Usage.Dimensions(of: payload, task: .video)
    let scenes = payload["scenes"]?.elements ?? []
    // A scene lasts as long as what is told in it.
    let told = scenes.map { ($0["caption"]?.string?.unicodeScalars.count ?? 0) / WorstCase.charactersPerSecond + 1 }
    var seconds = ExactDecimal(max(told.reduce(0) { $0 + max($1, WorstCase.secondsPerClip) }, WorstCase.secondsPerClip))
    if let asked = payload["seconds"]?.decimal, asked.mantissa > 0 { seconds = asked }
    pieces = [Usage(.videoSeconds, seconds, .estimate, dimensions: dimensions)]
  }

  /// What an echo job pretends to use, which without a word of it is one request.
  private static func declared(_ payload: JSONValue) -> [Usage] {
    guard let usage = payload["usage"], usage.isObject else { return [estimate(.requests, 1)] }
    return usage.members.compactMap { name, quantity in
      guard let unit = Usage.Unit(rawValue: name), let quantity = quantity.decimal else { return nil }
      return Usage(unit, quantity, .estimate)
    }
  }
}
