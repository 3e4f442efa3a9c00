import Catalog
import Contracts
import Testing

/// The hand-computed vectors first, then the rules.
@Suite struct PriceTests {
  private func builtIn(_ provider: String, _ model: String, _ at: String = "2026-11-21T12:00:00Z") throws -> Price {
    let (book, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    return try #require(book.price(provider: provider, model: model, at: time(at)))
  }

  @Test func `vector 1: cached tokens of gpt-5.4 are charged once`() throws {
    // 6074 prompt tokens, of which 3456 were read from the cache.
    let usage = try used([(.inputTokens, "2618"), (.cachedInputTokens, "3456"), (.outputTokens, "285")])
    #expect(try builtIn("openai", "gpt-5.4").cost(of: usage) == dollars("0.011684"))
  }

  @Test func `vector 2: claude-sonnet-4-6 with writes to the cache for minutes and for an hour`() throws {
    let usage = try used([
      (.inputTokens, "1000"), (.cacheWriteTokens, "2000"), (.cacheWrite1hTokens, "500"), (.cachedInputTokens, "10000"),
      (.outputTokens, "800"),
    ])
    #expect(try builtIn("anthropic", "claude-sonnet-4-6").cost(of: usage) == dollars("0.0285"))
  }

  @Test func `vector 3: the time of the event decides, not that of its processing`() throws {
    let book = try book(
      """
        - {provider: anthropic, model: claude-sonnet-5, unit_prices: [{unit: input_tokens, price: 2, per: 1000000}]}
        - {provider: anthropic, model: claude-sonnet-5, effective_from: 2026-09-01,
           unit_prices: [{unit: input_tokens, price: 3, per: 1000000}]}
      """)
    let usage = try used([(.inputTokens, "1000000")])
    for (at, expected) in [("2026-08-31T23:59:59Z", "2"), ("2026-09-01T00:00:00Z", "3")] {
      let price = try #require(book.price(provider: "anthropic", model: "claude-sonnet-5", at: time(at)))
      #expect(try price.cost(of: usage) == dollars(expected))
    }
  }

  @Test func `vector 4: characters of tts-1 and eleven_flash`() throws {
    let usage = try used([(.characters, "1234"), (.audioSeconds, "80.5")], .measured)
    #expect(try builtIn("openai", "tts-1").cost(of: usage) == dollars("0.01851"))
    let flash = try builtIn("elevenlabs", "eleven_flash_v2_5", "2026-11-20T23:59:59Z")
    #expect(try flash.cost(of: usage) == dollars("0.0617"))
    #expect(flash.id == "elevenlabs/eleven_flash_v2_5@2026-06-01")
  }

  @Test func `vector 5: seconds of whisper and sora, tokens of gpt-image-1`() throws {
    let heard = try used([(.audioSeconds, "61.4")])
    #expect(try builtIn("openai", "whisper-1").cost(of: heard) == dollars("0.00614"))
    let film = try used([(.videoSeconds, "8")])
    #expect(try builtIn("openai", "sora-2").cost(of: film) == dollars("0.80"))
    let image = try used([(.images, "1"), (.inputTokens, "50"), (.outputTokens, "1056")])
    #expect(try builtIn("openai", "gpt-image-1").cost(of: image) == dollars("0.04249"))
  }

  @Test func `vector 6: more cached tokens than there were is no negative cost`() throws {
    let usage = try used([(.inputTokens, "-20"), (.cachedInputTokens, "120")])
    #expect(try builtIn("openai", "gpt-4o").cost(of: usage) == nil)
  }

  @Test func `vector 7: heard seconds are never free`() throws {
    let (book, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    let hearing = book.prices.filter { $0.rows.map(\.unit) == [.audioSeconds] }
    #expect(hearing.count >= 6)
    for price in hearing { #expect(try #require(price.cost(of: used([(.audioSeconds, "60")]))) > .zero, "\(price.id)") }
  }

  @Test func `lines are summed exactly and rounded once, half to even`() throws {
    let price = try #require(
      book(
        """
          - {provider: p, model: m,
             unit_prices: [{unit: characters, price: "0.0000000005"}, {unit: requests, price: "0.0000000005"}]}
        """
      )
      .prices.first)
    // Each line alone would round to 0; together they are one nano-dollar.
    #expect(try price.cost(of: used([(.characters, "1"), (.requests, "1")])) == Money(nanoUSD: 1))
    #expect(try price.cost(of: used([(.characters, "1")])) == Money(nanoUSD: 0))
    #expect(try price.cost(of: used([(.characters, "3")])) == Money(nanoUSD: 2))
    #expect(try price.cost(of: used([(.characters, "5")])) == Money(nanoUSD: 2))
  }

  @Test func `a unit without a row is charged as the plain unit, other measures are not charged`() throws {
    let groq = try builtIn("groq", "llama-3.3-70b-versatile")
    #expect(try groq.cost(of: used([(.cachedInputTokens, "1000000")])) == dollars("0.59"))
    #expect(try groq.cost(of: used([(.outputAudioTokens, "1000000")])) == dollars("0.79"))
    #expect(try groq.cost(of: used([(.requests, "5"), (.videoSeconds, "7")])) == .zero)
  }

  @Test(
    arguments: [
      (nil, nil, "0.04"), ("1024x1792", nil, "0.08"), ("1792X1024", "HD", "0.12"), (nil, "hd", "0.08"),
      ("512x512", nil, "0.12"), (nil, "dazzling", "0.12"),
    ] as [(String?, String?, String)])
  func `an image costs what its size and quality do, an unlisted one the most`(
    size: String?, quality: String?, expected: String
  ) throws {
    let cost = try builtIn("openai", "dall-e-3")
      .cost(of: used([(.images, "3")]), dimensions: .init(size: size, quality: quality))
    #expect(try cost == Money(nanoUSD: dollars(expected).nanoUSD * 3))
  }

  @Test func `the price of an image stands in for output tokens that were not stated`() throws {
    let price = try builtIn("openai", "gpt-image-1")
    let high = Price.Dimensions(size: "1024x1024", quality: "high")
    let mute = try used([(.images, "2"), (.inputTokens, "1000")])
    #expect(try price.cost(of: mute, dimensions: high) == dollars("0.339"))
    #expect(price.isEstimate(of: mute))
    let stated = try used([(.images, "2"), (.inputTokens, "1000"), (.outputTokens, "100")])
    #expect(try price.cost(of: stated, dimensions: high) == dollars("0.009"))
    #expect(!price.isEstimate(of: stated))
  }

  @Test func `quantities that nobody can mean are answered with nil`() throws {
    let price = try #require(
      book(
        """
          - {provider: p, model: m, unit_prices: [
             {unit: characters, price: "999999999999999999"}, {unit: requests, price: "0.000000000000000001"}]}
        """
      )
      .prices.first)
    let most = "999999999999999999"
    let least = "0.000000000000000001"
    #expect(try price.cost(of: used([(.characters, most)])) == nil)
    #expect(try price.cost(of: used([(.characters, most), (.requests, least)])) == nil)
    #expect(try price.cost(of: used([(.requests, least)])) == .zero)
    #expect(try price.cost(of: Array(repeating: used([(.characters, most)])[0], count: 1000)) == nil)
  }
}
