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
    let usage =
      switch task {
      case .tts: Self.speech(payload, price)
      case .llm: Self.text(payload, price)
      case .image: Self.images(payload, price)
      case .video: Self.video(payload)
      case .embedding: [Self.estimate(.inputTokens, payload.raw.count)]
      case .echo: Self.declared(payload)
      }
    let cost = price.map { $0.worstCost(of: usage, dimensions: .init(of: payload)) ?? Self.largest } ?? .zero
    self.usage = usage
    self.cost = min(cost, Self.largest)
    priceID = price?.id
  }

  private static func estimate(_ unit: Usage.Unit, _ quantity: Int) -> Usage {
    Usage(unit, ExactDecimal(quantity), .estimate)
  }

  /// A token is at least one byte, and the JSON around the messages outweighs what a chat format adds to them. Where
  /// writing to the cache is dearer than plain input, all of it may be written.
  private static func text(_ payload: JSONValue, _ price: Price?) -> [Usage] {
    let plain = price?.rows.first { $0.unit == .inputTokens }
    let written = price?.rows.first { $0.unit == .cacheWriteTokens }
    let isWritingDearer = written.map { written in plain?.each.isLess(than: written.each) ?? true } ?? false
    let output = payload["maxTokens"]?.integer ?? defaultOutputTokens
    return [
      estimate(isWritingDearer ? .cacheWriteTokens : .inputTokens, payload.raw.count),
      estimate(.outputTokens, output),
    ]
  }

  private static func speech(_ payload: JSONValue, _ price: Price?) -> [Usage] {
    let text = payload["text"]?.string ?? ""
    let characters = text.unicodeScalars.count
    // A speed of 0.25 makes a text four times as long. The range is the payload rules'; milli-speeds keep it integral.
    let speed = Int(min(max(payload["speed"]?.double ?? 1, 0.25), 4) * 1000)
    let seconds = (characters * 1000 + charactersPerSecond * speed - 1) / (charactersPerSecond * speed)
    var usage = [estimate(.characters, characters), estimate(.audioSeconds, seconds)]
    guard let price, price.rows.contains(where: { $0.unit == .inputTokens }) else { return usage }
    usage.append(estimate(.inputTokens, text.utf8.count))
    if !price.rows.contains(where: { $0.unit == .audioSeconds }) {
      usage.append(estimate(.outputAudioTokens, seconds * audioTokensPerSecond))
    }
    return usage
  }

  private static func images(_ payload: JSONValue, _ price: Price?) -> [Usage] {
    let count = payload["n"]?.integer ?? 1
    var usage = [estimate(.images, count)]
    guard let price, price.rows.contains(where: { $0.unit == .inputTokens }) else { return usage }
    usage.append(estimate(.inputTokens, payload["prompt"]?.raw.count ?? 0))
    if !price.rows.contains(where: { $0.unit == .images }) {
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

  private static func video(_ payload: JSONValue) -> [Usage] {
    if let seconds = payload["seconds"]?.decimal, seconds.mantissa > 0 {
      return [Usage(.videoSeconds, seconds, .estimate)]
    }
    return [estimate(.videoSeconds, max(1, payload["scenes"]?.elements.count ?? 1) * secondsPerClip)]
  }

  private static func declared(_ payload: JSONValue) -> [Usage] {
    (payload["usage"]?.members ?? []).compactMap { name, quantity in
      guard let unit = Usage.Unit(rawValue: name), let quantity = quantity.decimal else { return nil }
      return Usage(unit, quantity, .estimate)
    }
  }
}
