import Catalog
import Contracts
import Testing

@Suite struct WorstCaseTests {
  private func price(_ model: String, of provider: String = "openai") throws -> Price {
    let (book, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    return try #require(book.price(provider: provider, model: model, at: time("2026-11-21T12:00:00Z")))
  }

  private func worst(_ text: String, _ task: TaskType, _ price: Price? = nil) throws -> WorstCase {
    WorstCase(of: try payload(text), task: task, price: price)
  }

  private func lines(_ worst: WorstCase) -> [String] {
    worst.usage.map { "\($0.unit.rawValue) \($0.quantity) \($0.source.rawValue)" }
  }

  @Test func `speech is bounded by its characters, longer the slower it is`() throws {
    let plain = try worst(#"{"text": "Grüß dich, Welt! 👋🏽"}"#, .tts)
    #expect(lines(plain) == ["characters 19 estimate", "audio_seconds 4 estimate"])
    #expect(plain.cost == .zero)
    #expect(plain.booked == Cost(.zero, basis: .estimate, priceID: nil))
    let slow = try worst(#"{"text": "0123456789", "speed": 0.25}"#, .tts)
    #expect(lines(slow) == ["characters 10 estimate", "audio_seconds 8 estimate"])
    let paid = try worst(#"{"text": "0123456789"}"#, .tts, price("tts-1"))
    #expect(try paid.cost == dollars("0.00015"))
    #expect(paid.booked.priceID == "openai/tts-1@1970-01-01")
  }

  @Test func `speech that is charged by tokens has a price before it is made`() throws {
    let seconds = try worst(#"{"text": "0123456789"}"#, .tts, price("gpt-4o-mini-tts"))
    #expect(lines(seconds).last == "output_audio_tokens 64 estimate")
    // 10 x 0.60/M + 64 x 12/M, which is more than the 2 x 0.00025 that stand for tokens nobody states.
    #expect(try seconds.cost == dollars("0.000774"))
    let tokens = try worst(#"{"text": "0123456789"}"#, .tts, price("gemini-2.5-flash-tts", of: "google"))
    #expect(lines(tokens).last == "output_audio_tokens 64 estimate")
    // 10 x 0.50/M + 64 x 10/M
    #expect(try tokens.cost == dollars("0.000645"))
  }

  @Test func `text is bounded by its bytes and its output limit`() throws {
    let text = #"{"prompt":"é"}"#
    let worst = try worst(text, .llm, price("gpt-4o-mini"))
    #expect(lines(worst) == ["input_tokens 15 estimate", "output_tokens 4096 estimate"])
    // 15 x 0.15/M + 4096 x 0.60/M
    #expect(try worst.cost == dollars("0.00245985"))
    let limited = try self.worst(#"{"prompt":"e","maxTokens":10}"#, .llm, price("gpt-4o-mini"))
    #expect(lines(limited).last == "output_tokens 10 estimate")
  }

  @Test func `text at a provider that charges for writing its cache may all be written`() throws {
    let worst = try worst(#"{"prompt":"e","maxTokens":1}"#, .llm, price("claude-haiku-4-5", of: "anthropic"))
    #expect(lines(worst).first == "cache_write_tokens 28 estimate")
  }

  @Test func `text that asks for an hour in the cache may all be written for that`() throws {
    let part = #"{"type":"text","text":"e","cache_control":{"type":"ephemeral","ttl":"1h"}}"#
    let text = #"{"messages":[{"role":"user","content":[\#(part)]}],"maxTokens":1}"#
    let worst = try worst(text, .llm, price("claude-haiku-4-5", of: "anthropic"))
    #expect(lines(worst).first == "cache_write_1h_tokens \(text.utf8.count) estimate")
    #expect(try worst.cost == dollars("0.000005") + Money(nanoUSD: Int64(text.utf8.count) * 2000))
    #expect(lines(try self.worst(text, .llm, price("gpt-4o-mini"))).first?.hasPrefix("input_tokens") == true)
    let minutes = try self.worst(text.replacing("1h", with: "5m"), .llm, price("claude-haiku-4-5", of: "anthropic"))
    #expect(lines(minutes).first?.hasPrefix("cache_write_tokens") == true)
  }

  @Test func `images are bounded by their number, size and quality`() throws {
    let one = try worst(#"{"prompt": "x"}"#, .image, price("dall-e-3"))
    #expect(try one.cost == dollars("0.04"))
    let four = try worst(#"{"prompt": "x", "n": 4, "size": "1024x1792", "quality": "hd"}"#, .image, price("dall-e-3"))
    #expect(try four.cost == dollars("0.48"))
    #expect(lines(four) == ["images 4 estimate"])
  }

  @Test func `images that are charged by tokens are bounded by the listed price or by their pixels`() throws {
    let low = try worst(
      #"{"prompt": "x", "size": "1024x1024", "quality": "low"}"#, .image, price("gpt-image-1"))
    // 3 bytes of prompt x 5/M + 0.011
    #expect(try low.cost == dollars("0.011015"))
    let open = try worst(#"{"prompt": "x", "quality": "auto"}"#, .image, price("gpt-image-1"))
    #expect(try open.cost == dollars("0.250015"))
    let beyond = try worst(#"{"prompt": "x", "size": "2048x3072"}"#, .image, price("gpt-image-1"))
    // Larger than all that is listed: 4 x 6240 tokens x 40/M.
    #expect(try beyond.cost == dollars("0.998415"))
    let unlisted = try worst(#"{"prompt": "x", "size": "2048x3072"}"#, .image, price("gpt-image-2"))
    #expect(lines(unlisted) == ["images 1 estimate", "input_tokens 3 estimate", "output_image_tokens 24960 estimate"])
  }

  @Test(arguments: [
    (#"{"prompt": "x"}"#, "12"), (#"{"seconds": 8}"#, "8"), (#"{"seconds": 0}"#, "12"), (#"{"seconds": 7.5}"#, "7.5"),
    (#"{"scenes": [{}, {}, {}]}"#, "36"), (#"{"scenes": []}"#, "12"),
  ])
  func `video is bounded by its seconds`(text: String, seconds: String) throws {
    let worst = try worst(text, .video, price("sora-2"))
    #expect(lines(worst) == ["video_seconds \(seconds) estimate"])
    #expect(worst.cost == (try decimal(seconds) * decimal("0.1")).asMoney)
  }

  @Test func `embedding is bounded by its bytes`() throws {
    let worst = try worst(#"{"input":["a","b"]}"#, .embedding, price("text-embedding-3-small"))
    #expect(lines(worst) == ["input_tokens 19 estimate"])
    #expect(try worst.cost == dollars("0.00000038"))
  }

  @Test func `echo uses what it declares`() throws {
    let worst = try worst(#"{"usage": {"characters": 5, "audio_seconds": 1.5}}"#, .echo)
    #expect(lines(worst) == ["characters 5 estimate", "audio_seconds 1.5 estimate"])
    #expect(try lines(self.worst("{}", .echo)) == ["requests 1 estimate"])
    #expect(try lines(self.worst(#"{"usage": null}"#, .echo)) == ["requests 1 estimate"])
  }

  /// The least that a payload of each kind can be.
  private static let payloads: [(TaskType, String)] = [
    (.tts, #"{"text": "a"}"#), (.llm, #"{"prompt": "a"}"#), (.image, #"{"prompt": "a", "n": 3}"#),
    (.video, #"{"prompt": "a"}"#), (.embedding, #"{"input": ["a", "b"]}"#), (.echo, "{}"),
    (.echo, #"{"usage": {"characters": 5}}"#),
  ]

  @Test(arguments: payloads)
  func `a price for a request is set aside once, whatever is asked for`(task: TaskType, text: String) throws {
    let price = try #require(
      book("  - {provider: p, model: m, unit_prices: [{unit: requests, price: \"0.05\"}]}").prices.first)
    let worst = try worst(text, task, price)
    #expect(try worst.cost == dollars("0.05"))
    #expect(lines(worst).filter { $0.hasPrefix("requests") } == ["requests 1 estimate"])
  }

  @Test func `as many requests are set aside as an echo job declares`() throws {
    let price = try #require(
      book("  - {provider: p, model: m, unit_prices: [{unit: requests, price: \"0.05\"}]}").prices.first)
    #expect(try worst(#"{"usage": {"requests": 3}}"#, .echo, price).cost == dollars("0.15"))
  }

  @Test(arguments: payloads)
  func `the least charge is set aside, whatever is asked for`(task: TaskType, text: String) throws {
    let price = try #require(
      book("  - {provider: p, model: m, min_charge: \"0.05\", unit_prices: [{unit: requests, price: \"0.01\"}]}").prices
        .first)
    #expect(try worst(text, task, price).cost == dollars("0.05"))
  }

  @Test func `the cost is rounded up`() throws {
    let price = try #require(
      book("  - {provider: p, model: m, unit_prices: [{unit: characters, price: \"0.0000000001\"}]}").prices.first)
    #expect(try worst(#"{"usage": {"characters": 1}}"#, .echo, price).cost == Money(nanoUSD: 1))
    #expect(try worst(#"{"usage": {"characters": 10}}"#, .echo, price).cost == Money(nanoUSD: 1))
    #expect(try worst(#"{"usage": {"characters": 11}}"#, .echo, price).cost == Money(nanoUSD: 2))
  }

  @Test func `what is beyond all money counts as the largest amount`() throws {
    let price = try #require(
      book("  - {provider: p, model: m, unit_prices: [{unit: images, price: 1000000}]}").prices.first)
    for quantity in ["9999999", "999999999999999999"] {
      #expect(try worst(#"{"usage": {"images": \#(quantity)}}"#, .echo, price).cost == WorstCase.largest)
    }
  }

  @Test func `no settled answer within the bounds costs more than its worst case`() throws {
    let text = String(repeating: "word ", count: 200)
    let price = try price("gpt-5-mini")
    let worst = try worst(#"{"prompt":"\#(text)","maxTokens":500}"#, .llm, price)
    let settled = try #require(price.cost(of: used([(.inputTokens, "1000"), (.outputTokens, "500")])))
    #expect(settled <= worst.cost)
  }
}

extension ExactDecimal {
  fileprivate var asMoney: Money? { Money(dollars: self) }
}
