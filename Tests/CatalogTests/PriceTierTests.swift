import Catalog
import Contracts
import Testing

/// Prices by the size of the context, what is charged at least, and what is set aside.
@Suite struct PriceTierTests {
  private func builtIn(_ provider: String, _ model: String, _ at: String = "2026-11-21T12:00:00Z") throws -> Price {
    let (book, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    return try #require(book.price(provider: provider, model: model, at: time(at)))
  }

  private func price(_ entry: String) throws -> Price { try #require(try book("  - \(entry)").prices.first) }

  @Test func `exactly at the bound all costs as below, one token more reprices all of the request`() throws {
    let sonnet = try builtIn("anthropic", "claude-sonnet-4-5")
    let below = try used([(.inputTokens, "200000"), (.outputTokens, "1000")])
    #expect(try sonnet.cost(of: below) == dollars("0.615"))
    let above = try used([(.inputTokens, "200001"), (.outputTokens, "1000")])
    #expect(try sonnet.cost(of: above) == dollars("1.222506"))
  }

  @Test func `cached and written tokens are part of the context, output is not`() throws {
    let sonnet = try builtIn("anthropic", "claude-sonnet-4-5")
    let kinds: [(Usage.Unit, String)] = [
      (.inputTokens, "1"), (.cachedInputTokens, "100000"), (.cacheWriteTokens, "60000"), (.cacheWrite1hTokens, "40000"),
      (.outputTokens, "0"),
    ]
    // 1 x 6 + 100,000 x 0.6 + 60,000 x 7.5 + 40,000 x 12 millionths
    #expect(try sonnet.cost(of: used(kinds)) == dollars("0.990006"))
    let output = try used([(.inputTokens, "10"), (.outputTokens, "300000")])
    #expect(try sonnet.cost(of: output) == dollars("4.50003"))
  }

  @Test func `a surcharge that was dropped holds before that day only`() throws {
    let usage = try used([(.inputTokens, "300000")])
    #expect(try builtIn("anthropic", "claude-opus-4-6", "2026-03-12T23:59:59Z").cost(of: usage) == dollars("3"))
    #expect(try builtIn("anthropic", "claude-opus-4-6", "2026-03-13T00:00:00Z").cost(of: usage) == dollars("1.5"))
  }

  @Test func `of several tiers the highest that is passed counts`() throws {
    let price = try price(
      """
      {provider: p, model: m, unit_prices: [{unit: input_tokens, price: 1}], context_tiers: [
           {above: 10, unit_prices: [{unit: input_tokens, price: 2}]},
           {above: 20, unit_prices: [{unit: input_tokens, price: 3}]}]}
      """)
    for (count, expected) in [("10", "10"), ("11", "22"), ("20", "40"), ("21", "63")] {
      #expect(try price.cost(of: used([(.inputTokens, count)])) == dollars(expected))
    }
  }

  @Test func `the worst case takes the dearest tier that its input can reach`() throws {
    let dearer = try price(
      """
      {provider: p, model: m, unit_prices: [{unit: input_tokens, price: 1}], context_tiers: [
           {above: 30, unit_prices: [{unit: input_tokens, price: 2}]}]}
      """)
    func worst(_ length: Int, _ price: Price) throws -> Money {
      let text = #"{"input":"\#(String(repeating: "a", count: length - 12))"}"#
      return WorstCase(of: try payload(text), task: .embedding, price: price).cost
    }
    #expect(try worst(30, dearer) == dollars("30"))
    #expect(try worst(31, dearer) == dollars("62"))
    // Nobody knows whether fewer tokens, which cost more, will be counted.
    let cheaper = try price(
      """
      {provider: p, model: m, unit_prices: [{unit: input_tokens, price: 3}], context_tiers: [
           {above: 30, unit_prices: [{unit: input_tokens, price: 2}]}]}
      """)
    #expect(try worst(31, cheaper) == dollars("93"))
  }

  @Test func `an attempt costs the minimum at least, and so much is set aside`() throws {
    let price = try price(
      "{provider: p, model: m, min_charge: \"0.01\", unit_prices: [{unit: characters, price: \"0.001\"}]}")
    #expect(try price.cost(of: used([(.characters, "9")])) == dollars("0.01"))
    #expect(try price.cost(of: used([(.characters, "11")])) == dollars("0.011"))
    #expect(WorstCase(of: try payload(#"{"text": "a"}"#), task: .tts, price: price).cost == (try dollars("0.01")))
    #expect(try price.cost(of: used([(.characters, "-1")])) == nil)
  }

  @Test(arguments: ["eleven_flash_v2_5", "eleven_multilingual_v2", "eleven_v3", "eleven_v4", "eleven_v4_turbo"])
  func `what ElevenLabs states in credits is never above what was set aside`(model: String) throws {
    let price = try builtIn("elevenlabs", model)
    let text = String(repeating: "a", count: 1234)
    let worst = WorstCase(of: try payload(#"{"text": "\#(text)"}"#), task: .tts, price: price)
    // One credit of 0.0001 USD for a character, half of one for the fast models.
    let isFast = model.contains("flash") || model.contains("turbo")
    #expect(try worst.cost == dollars(isFast ? "0.0617" : "0.1234"))
    #expect(try #require(price.cost(of: worst.usage)) < worst.cost)
  }

  @Test func `a video costs what its resolution does, an unlisted one the most`() throws {
    let veo = try builtIn("google", "veo-3.1-fast-generate-001")
    func cost(_ size: String?) throws -> Money? {
      let asked = try payload(size.map { #"{"size": "\#($0)"}"# } ?? "{}")
      let dimensions = Usage.Dimensions(of: asked, task: .video)
      return veo.cost(of: [Usage(.videoSeconds, ExactDecimal(10), .provider, dimensions: dimensions)])
    }
    for (size, expected) in [
      (nil, "1"), ("1280x720", "1"), ("720X1280", "1"), ("1080p", "1.2"), ("1920x1080", "1.2"), ("3840x2160", "3"),
      ("4K", "3"), ("2160p", "3"), ("999x555", "3"),
    ] {
      #expect(try cost(size) == dollars(expected), "\(size ?? "open")")
    }
  }

  @Test func `a usage brings its dimensions along`() throws {
    let dalle = try builtIn("openai", "dall-e-3")
    let usage = [
      Usage(.images, ExactDecimal(1), .measured, dimensions: .init(size: "1024x1792", quality: "HD"))
    ]
    #expect(try dalle.cost(of: usage) == dollars("0.12"))
    #expect(try dalle.cost(of: usage, dimensions: .init(size: "1024x1024")) == dollars("0.12"))
  }
}
