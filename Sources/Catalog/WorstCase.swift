package import Contracts

/// The most one attempt can use and cost: what is reserved before a call, and what is booked when a call was never
/// heard of again. Pure; bounds by the size of the request, so that it exists before any provider answered.
package struct WorstCase: Sendable, Hashable {
  /// All with source `estimate`.
  package var usage: [Usage]
  /// Rounded up. `.zero` for a free model; `largest` for what is beyond it.
  package var cost: Money
  package var priceID: String?

  /// 2^53 - 1 nano-dollars, nine million dollars: the largest amount that Redis scripts calculate exactly.
  package static let largest = Money(nanoUSD: (1 << 53) - 1)

  /// Output tokens of a text call that names no `maxTokens`; adapters must ask their provider for the same limit.
  package static let defaultOutputTokens = 4096
  /// Speech at speed 1 takes at most a second for this many characters: digits, and scripts with a syllable each.
  static let charactersPerSecond = 5
  /// Audio tokens of one second of speech; providers make 20 to 25.
  static let audioTokensPerSecond = 32
  /// Output tokens of one image of 1024 x 1536 in the highest quality.
  static let tokensPerImage = 6240
  /// Seconds of a clip that names no length; the longest that a provider makes unasked.
  static let secondsPerClip = 12

  /// What a lost attempt is booked as.
  package var booked: Cost { Cost(cost, basis: .estimate, priceID: priceID) }

  /// - Parameter price: nil where the model is free.
  package init(of payload: JSONValue, task: TaskType, price: Price?) {
    let dimensions = Price.Dimensions(of: payload, task: task)
    let usage =
      switch task {
      case .tts: Self.speech(payload, price)
      case .llm: Self.text(payload, price)
      case .image: Self.images(payload, price, dimensions)
      case .video: Self.video(payload, dimensions)
      case .embedding: [Self.estimate(.inputTokens, payload.raw.count)]
      case .echo: Self.declared(payload)
      }
    let cost = price.map { $0.worstCost(of: usage, dimensions: dimensions) ?? Self.largest } ?? .zero
    self.usage = usage
    self.cost = min(cost, Self.largest)
    priceID = price?.id
  }

  private static func estimate(_ unit: Usage.Unit, _ quantity: Int) -> Usage {
    Usage(unit, ExactDecimal(quantity), .estimate)
  }

  /// A token is at least one byte, and the JSON around the messages outweighs what a chat format adds to them. All of it
  /// may be written to a cache, in the dearest way there is.
  private static func text(_ payload: JSONValue, _ price: Price?) -> [Usage] {
    let output = estimate(.outputTokens, payload["maxTokens"]?.integer ?? defaultOutputTokens)
    var worst = [estimate(.inputTokens, payload.raw.count), output]
    guard let price else { return worst }
    var ways: [Usage.Unit] = [.cacheWriteTokens]
    // Nothing is kept for an hour unless it was asked for.
    if asksForAnHour(payload) { ways.append(.cacheWrite1hTokens) }
    for way in ways where price.charges(way) {
      let written = [estimate(way, payload.raw.count), output]
      let cost = price.worstCost(of: written) ?? largest
      if cost > price.worstCost(of: worst) ?? largest { worst = written }
    }
    return worst
  }

  private static func asksForAnHour(_ payload: JSONValue) -> Bool {
    (payload["messages"]?.elements ?? []).contains { message in
      (message["content"]?.elements ?? []).contains { $0["cache_control"]?["ttl"]?.string == "1h" }
    }
  }

  private static func speech(_ payload: JSONValue, _ price: Price?) -> [Usage] {
    let text = payload["text"]?.string ?? ""
    let characters = text.unicodeScalars.count
    // A speed of 0.25 makes a text four times as long. The range is the payload rules'; milli-speeds keep it integral.
    let speed = Int(min(max(payload["speed"]?.double ?? 1, 0.25), 4) * 1000)
    let seconds = (characters * 1000 + charactersPerSecond * speed - 1) / (charactersPerSecond * speed)
    var usage = [estimate(.characters, characters), estimate(.audioSeconds, seconds)]
    guard let price, price.charges(.inputTokens) else { return usage }
    usage.append(estimate(.inputTokens, text.utf8.count))
    if !price.charges(.audioSeconds) {
      usage.append(estimate(.outputAudioTokens, seconds * audioTokensPerSecond))
    }
    return usage
  }

  private static func images(
    _ payload: JSONValue, _ price: Price?, _ dimensions: Price.Dimensions
  ) -> [Usage] {
    let count = payload["n"]?.integer ?? 1
    var usage = [Usage(.images, ExactDecimal(count), .estimate, dimensions: dimensions)]
    guard let price, price.charges(.inputTokens) else { return usage }
    usage.append(estimate(.inputTokens, payload["prompt"]?.raw.count ?? 0))
    if !price.charges(.images) {
      usage.append(estimate(.outputImageTokens, count * tokens(perImageOf: payload["size"]?.string)))
    }
    return usage
  }

  /// In proportion to the pixels of `1024x1536` above that size.
  private static func tokens(perImageOf size: String?) -> Int {
    let sides = (size ?? "").lowercased().split(separator: "x").compactMap { Int($0) }
    guard sides.count == 2, sides.allSatisfy({ (1...65_536).contains($0) }) else { return tokensPerImage }
    let unit = 1024 * 1536
    return max(tokensPerImage, (sides[0] * sides[1] * tokensPerImage + unit - 1) / unit)
  }

  private static func video(_ payload: JSONValue, _ dimensions: Price.Dimensions) -> [Usage] {
    if let seconds = payload["seconds"]?.decimal, seconds.mantissa > 0 {
      return [Usage(.videoSeconds, seconds, .estimate, dimensions: dimensions)]
    }
    let seconds = max(1, payload["scenes"]?.elements.count ?? 1) * secondsPerClip
    return [Usage(.videoSeconds, ExactDecimal(seconds), .estimate, dimensions: dimensions)]
  }

  private static func declared(_ payload: JSONValue) -> [Usage] {
    (payload["usage"]?.members ?? []).compactMap { name, quantity in
      guard let unit = Usage.Unit(rawValue: name), let quantity = quantity.decimal else { return nil }
      return Usage(unit, quantity, .estimate)
    }
  }
}
