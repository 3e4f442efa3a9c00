import Catalog
import Contracts
import TestKit

/// A job at random, and at random what a provider may state of it: never more than the job allows.
struct DrawnJob {
  let task: TaskType
  let payload: JSONValue

  init(_ task: TaskType, _ random: inout SplitMix64) throws {
    self.task = task
    payload = try Self.payload(of: task, &random)
  }

  private static func payload(of task: TaskType, _ random: inout SplitMix64) throws -> JSONValue {
    let words = (0..<Int.random(in: 1...12, using: &random)).map { _ in
      one(of: ["a", "7", "Grüße", "👋🏽", "word"], &random)
    }
    let text = words.joined(separator: " ")
    func member(_ name: String, _ values: [String], _ random: inout SplitMix64) -> String {
      Bool.random(using: &random) ? #","\#(name)":\#(one(of: values, &random))"# : ""
    }
    switch task {
    case .tts:
      return try CatalogTests.payload(#"{"text":"\#(text)"\#(member("speed", ["0.25", "1", "1.5", "4"], &random))}"#)
    case .llm:
      let hour = #"[{"type":"text","text":"\#(text)","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#
      let content = Bool.random(using: &random) ? hour : #""\#(text)""#
      let most = member("maxTokens", ["1", "40", "3000"], &random)
      return try CatalogTests.payload(#"{"messages":[{"role":"user","content":\#(content)}]\#(most)}"#)
    case .image:
      let sizes = [#""1024x1024""#, #""1024x1536""#, #""2048X3072""#, #""auto""#, "null"]
      let more =
        member("n", ["1", "4", "10"], &random) + member("size", sizes, &random)
        + member("quality", [#""low""#, #""high""#, #""hd""#], &random)
      return try CatalogTests.payload(#"{"prompt":"\#(text)"\#(more)}"#)
    case .video:
      let more =
        member("seconds", ["0", "7.5", "300"], &random) + member("scenes", ["[]", "[{},{},{}]"], &random)
        + member("size", [#""720p""#, #""1920x1080""#, #""odd""#], &random)
      return try CatalogTests.payload(#"{"prompt":"\#(text)"\#(more)}"#)
    case .embedding:
      let inputs = (0..<Int.random(in: 1...5, using: &random)).map { _ in #""\#(one(of: words, &random))""# }
      return try CatalogTests.payload(#"{"input":[\#(inputs.joined(separator: ","))]}"#)
    case .echo:
      guard Bool.random(using: &random) else { return try CatalogTests.payload(#"{"usage":null}"#) }
      let units = Usage.Unit.allCases.shuffled(using: &random).prefix(3)
      let usage = units.map { #""\#($0.rawValue)":\#(Int.random(in: 0...200, using: &random))"# }
      return try CatalogTests.payload(#"{"usage":{\#(usage.joined(separator: ","))}}"#)
    }
  }

  /// - Parameter price: by which pictures are listed; of those that are, no tokens are stated beside.
  func usage(by price: Price, _ random: inout SplitMix64) -> [Usage] {
    var usage: [Usage] = []
    func add(_ unit: Usage.Unit, _ quantity: Int) {
      // Echo reports zeros, as they were declared.
      guard quantity > 0 || task == .echo else { return }
      let dimensions = Usage.Dimensions(of: payload, task: task)
      let isVisible = [.images, .videoSeconds].contains(unit)
      usage.append(Usage(unit, ExactDecimal(quantity), .provider, dimensions: isVisible ? dimensions : nil))
    }
    let isTold = Bool.random(using: &random)
    switch task {
    case .tts:
      let text = payload["text"]?.string ?? ""
      let characters = text.unicodeScalars.count
      let seconds = Int((Double(characters) / 5 / (payload["speed"]?.double ?? 1)).rounded(.up))
      add(.characters, characters)
      if Bool.random(using: &random) { add(.audioSeconds, Self.upTo(seconds, &random)) }
      if isTold {
        add(.inputTokens, Self.upTo(text.utf8.count, &random))
        add(.outputAudioTokens, Self.upTo(32 * seconds, &random))
      }
    case .llm:
      var kinds: [Usage.Unit] = [.inputTokens, .cachedInputTokens, .cacheWriteTokens]
      if payload["messages"]?.elements.first?["content"]?.isArray == true { kinds.append(.cacheWrite1hTokens) }
      var left = payload.raw.count
      for kind in kinds.shuffled(using: &random) {
        let part = Self.upTo(left, &random)
        add(kind, part)
        left -= part
      }
      if isTold { add(.outputTokens, Self.upTo(payload["maxTokens"]?.integer ?? 4096, &random)) }
    case .image:
      let count = Int.random(in: 1...(payload["n"]?.integer ?? 1), using: &random)
      add(.images, count)
      if isTold, !isListed(by: price) {
        add(.inputTokens, Self.upTo(payload["prompt"]?.string?.utf8.count ?? 0, &random))
        add(.outputImageTokens, Self.upTo(count * (payload["size"]?.string == "2048X3072" ? 4 * 6240 : 6240), &random))
      }
    case .video:
      let asked = payload["seconds"]?.double ?? 0
      add(
        .videoSeconds, Self.upTo(asked > 0 ? Int(asked) : max(1, payload["scenes"]?.elements.count ?? 1) * 12, &random))
    case .embedding: add(.inputTokens, Self.upTo(payload.raw.count, &random))
    case .echo:
      for (name, quantity) in payload["usage"]?.members ?? [] {
        if let unit = Usage.Unit(rawValue: name) { add(unit, quantity.integer ?? 0) }
      }
    }
    if !usage.contains(where: { $0.unit == .requests }) { add(.requests, 1) }
    return usage
  }

  private func isListed(by price: Price) -> Bool {
    var asked = Usage.Dimensions(of: payload, task: task)
    asked.size = asked.size ?? price.defaults.size
    asked.quality = asked.quality ?? price.defaults.quality
    return price.rows.contains { row in
      guard row.unit == .images, row.isEstimate, row.dimensions.resolution == nil else { return false }
      let isOfSize = row.dimensions.size == nil || row.dimensions.size == asked.size
      return isOfSize && (row.dimensions.quality == nil || row.dimensions.quality == asked.quality)
    }
  }

  private static func one(of values: [String], _ random: inout SplitMix64) -> String {
    values[Int.random(in: values.indices, using: &random)]
  }

  /// Often all of it: bounds are wrong at their ends.
  private static func upTo(_ most: Int, _ random: inout SplitMix64) -> Int {
    Bool.random(using: &random) ? most : Int.random(in: 0...most, using: &random)
  }
}
