import Catalog
import Contracts
import Testing

@Suite struct PriceBookFileTests {
  @Test func `the built-in price book reads without a remark and lints without a finding`() throws {
    let (book, notices) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    #expect(notices == [])
    #expect(PriceCheck.findings(in: book, asOf: try time("2026-11-21T00:00:00Z")) == [])
    #expect(book.prices.count > 170)
  }

  @Test func `everything written in an entry arrives`() throws {
    let price = try #require(
      try book(
        """
          - provider: openai
            model: dall-e
            match: prefix
            effective_from: 2026-07-30
            effective_to: 2026-08-01T12:00:00+02:00
            currency: USD
            min_charge: "0.001"
            unit_prices:
              - {unit: images, price: "0.04", size: 1024X1024, quality: HD}
              - {unit: input_tokens, price: 2.50, per: 1000000}
              - {unit: audio_seconds, price: "0.05", per: 1000, reserve: "0.06", estimate: true}
              - {unit: video_seconds, price: 1, resolution: 4K}
            context_tiers:
              - {above: 200000, unit_prices: [{unit: input_tokens, price: 5, per: 1000000}]}
            defaults: {size: 1024x1024, quality: standard, resolution: 720p}
            note: "free text"
            source: a list
            checked: 2026-11-21
        """
      ).prices.first)
    let image = Price.Row(
      unit: .images, each: ExactDecimal(mantissa: 4, decimals: 2), dimensions: .init(size: "1024x1024", quality: "hd"))
    let audio = Price.Row(
      unit: .audioSeconds, each: ExactDecimal(mantissa: 5, decimals: 5), isEstimate: true,
      reserved: ExactDecimal(mantissa: 6, decimals: 5))
    let video = Price.Row(unit: .videoSeconds, each: ExactDecimal(1), dimensions: .init(resolution: "4k"))
    let input = Price.Row(unit: .inputTokens, each: ExactDecimal(mantissa: 25, decimals: 7))
    let large = Price.Row(unit: .inputTokens, each: ExactDecimal(mantissa: 5, decimals: 6))
    #expect(
      price
        == Price(
          provider: "openai", model: "dall-e", match: .prefix, effectiveFrom: try time("2026-07-30T00:00:00Z"),
          effectiveTo: try time("2026-08-01T10:00:00Z"), rows: [image, input, audio, video],
          contextTiers: [.init(above: 200_000, rows: [large, image, audio, video])],
          minimumCharge: Money(nanoUSD: 1_000_000),
          defaults: .init(size: "1024x1024", quality: "standard", resolution: "720p"), source: "a list",
          checked: try time("2026-11-21T00:00:00Z"), note: "free text"))
  }

  @Test func `a tier keeps what it does not name, and says so`() throws {
    let text = """
      version: 1
      prices:
        - provider: p
          model: m
          unit_prices: [{unit: input_tokens, price: 1, per: 1000000}, {unit: output_tokens, price: 2, per: 1000000}]
          context_tiers:
            - {above: 10, unit_prices: [{unit: input_tokens, price: 3, per: 1000000}]}
      """
    let (book, notices) = try PriceBookFile.read(text: text)
    #expect(
      notices.map(\.description) == [
        "prices[0].context_tiers[0].unit_prices: has no output_tokens, which keeps the price from below; "
          + "write it to say so (line 7)"
      ])
    let usage = try used([(.inputTokens, "1000000"), (.outputTokens, "1000000")])
    #expect(try book.prices.first?.cost(of: usage) == dollars("5"))
  }

  @Test(arguments: [
    (
      "price: \"0.15\"", "price: free",
      "prices[0].unit_prices[0].price: must be a decimal number of 0 or more, like \"0.15\""
    ),
    (
      "price: \"0.15\"", "price: -1",
      "prices[0].unit_prices[0].price: must be a decimal number of 0 or more, like \"0.15\""
    ),
    ("price: \"0.15\", ", "", "prices[0].unit_prices[0].price: is missing; write dollars as a decimal text"),
    (
      "price: \"0.15\"", "price: \"0.1234567890123\"",
      "prices[0].unit_prices[0].price: has too many decimals; 18 for one unit are the most"
    ),
    ("per: 1000000", "per: 100", "prices[0].unit_prices[0].per: must be 1, 1000 or 1000000"),
    ("per: 1000000", "per: 1e6", "prices[0].unit_prices[0].per: must be 1, 1000 or 1000000"),
    ("unit: input_tokens, ", "", "prices[0].unit_prices[0].unit: is missing; write what is charged, like input_tokens"),
    ("provider: p", "match: exact", "prices[0].provider: is missing; write its name in the policy file"),
    ("model: m", "match: exact", "prices[0].model: is missing; write the model's name as its provider knows it"),
    ("model: m", "model: m, match: glob", "prices[0].match: must be one of exact, prefix, regex"),
    ("model: m", "model: \"m(\", match: regex", "prices[0].model: as a pattern has a ( without its )"),
    (
      "model: m", "model: m, min_charge: \"0.0000000001\"",
      "prices[0].min_charge: must be an amount of dollars with at most 9 decimals"
    ),
    (
      "model: m", "model: m, defaults: {size: \"very large\"}",
      "prices[0].defaults.size: must be a short word, like 1024x1536, hd or 1080p"
    ),
    (
      "per: 1000000", "per: 1000000, quality: hd",
      "prices[0].unit_prices[0].unit: has a size, quality or resolution, which only images and video_seconds have"
    ),
    (
      "per: 1000000", "per: 1000000, reserve: \"0.149\"",
      "prices[0].unit_prices[0].reserve: must not be below the price"
    ),
    (
      "model: m", "model: m, context_tiers: [{unit_prices: [{unit: input_tokens, price: 1, per: 1000000}]}]",
      "prices[0].context_tiers[0].above: is missing; write a number of input tokens"
    ),
    (
      "model: m", "model: m, context_tiers: [{above: 5}]",
      "prices[0].context_tiers[0].unit_prices: is missing; list at least one unit and its price"
    ),
    (
      "model: m",
      "model: m, context_tiers: [{above: 5, unit_prices: [{unit: input_tokens, price: 1, per: 1000000}]}, "
        + "{above: 5, unit_prices: [{unit: input_tokens, price: 2, per: 1000000}]}]",
      "prices[0].context_tiers: must run from the smallest bound to the largest, each once"
    ),
    ("model: m", "model: m, currency: EUR", "prices[0].currency: must be USD; the ledger is kept in dollars"),
    (
      "model: m", "model: m, effective_from: 2026-02-30",
      "prices[0].effective_from: must be a day like 2026-11-21 or a time like 2026-11-21T10:15:00Z"
    ),
    (
      "model: m", "model: m, effective_from: 2026-02-01, effective_to: 2026-02-01",
      "prices[0].effective_to: must be later than effective_from"
    ),
    (
      "unit_prices: [{", "unit_prices: [{unit: input_tokens, price: 1}, {",
      "prices[0].unit_prices: has input_tokens twice for the same size, quality and resolution; remove one"
    ),
  ])
  func `a mistake is named with its path and its fix`(old: String, new: String, expected: String) {
    let text = """
      version: 1
      prices:
        - {provider: p, model: m, unit_prices: [{unit: input_tokens, price: "0.15", per: 1000000}]}
      """
    #expect(text.contains(old))
    do throws(FileFault) {
      _ = try PriceBookFile.read(text: text.replacing(old, with: new))
      Issue.record("the price book was accepted")
    } catch {
      #expect(error.notices.map { "\($0.path): \($0.message)" } == [expected])
    }
  }

  @Test func `a unit that is not known is refused with the units that are`() {
    #expect(throws: FileFault.self) { try book("  - {provider: p, model: m, unit_prices: [{unit: token, price: 1}]}") }
  }

  @Test func `two prices of one model from the same instant are refused`() {
    #expect(throws: FileFault.self) {
      try book(
        """
          - {provider: p, model: m, unit_prices: [{unit: characters, price: 1}]}
          - {provider: p, model: m, unit_prices: [{unit: characters, price: 2}]}
        """)
    }
  }

  @Test func `an entry without prices is refused`() {
    #expect(throws: FileFault.self) { try book("  - {provider: p, model: m}") }
  }
}

@Suite struct PriceBookTests {
  static let history = """
      - {provider: p, model: m, effective_from: 2026-01-01, unit_prices: [{unit: requests, price: 1}]}
      - {provider: p, model: m, effective_from: 2026-09-01, unit_prices: [{unit: requests, price: 3}]}
      - {provider: p, model: m, effective_from: 2026-03-01, effective_to: 2026-04-01,
         unit_prices: [{unit: requests, price: 2}]}
      - {provider: p, model: m-, match: prefix, unit_prices: [{unit: requests, price: 10}]}
      - {provider: p, model: m-long-, match: prefix, unit_prices: [{unit: requests, price: 11}]}
      - {provider: p, model: m-long-x, unit_prices: [{unit: requests, price: 12}]}
      - {provider: q, model: m, unit_prices: [{unit: requests, price: 20}]}
      - {provider: r, model: "x.*", match: regex, unit_prices: [{unit: requests, price: 30}]}
      - {provider: r, model: "(x|y)-[0-9]{4}", match: regex, unit_prices: [{unit: requests, price: 31}]}
      - {provider: r, model: "(x|y)-[0-9]{4}", match: regex, effective_from: 2026-05-01, unit_prices: [{unit: requests, price: 32}]}
      - {provider: r, model: x-1, match: prefix, unit_prices: [{unit: requests, price: 33}]}
      - {provider: r, model: x-1234, effective_from: 2026-06-01, unit_prices: [{unit: requests, price: 34}]}
    """

  @Test(
    arguments: [
      ("p", "m", "2025-12-31T23:59:59.999Z", nil), ("p", "m", "2026-01-01T00:00:00Z", "p/m@2026-01-01"),
      ("p", "m", "2026-03-01T00:00:00Z", "p/m@2026-03-01"), ("p", "m", "2026-03-31T23:59:59.999Z", "p/m@2026-03-01"),
      ("p", "m", "2026-04-01T00:00:00Z", nil), ("p", "m", "2026-08-31T23:59:59Z", nil),
      ("p", "m", "2026-09-01T00:00:00Z", "p/m@2026-09-01"), ("p", "m", "2030-01-01T00:00:00Z", "p/m@2026-09-01"),
      ("p", "m-2", "2026-01-01T00:00:00Z", "p/m-@1970-01-01"),
      ("p", "m-long-2", "2026-01-01T00:00:00Z", "p/m-long-@1970-01-01"),
      ("p", "m-long-x", "2026-01-01T00:00:00Z", "p/m-long-x@1970-01-01"),
      ("q", "m", "2026-04-01T00:00:00Z", "q/m@1970-01-01"), ("q", "m-2", "2026-01-01T00:00:00Z", nil),
      ("r", "m", "2026-01-01T00:00:00Z", nil), ("r", "x-2345", "2026-01-01T00:00:00Z", "r/x.*@1970-01-01"),
      ("r", "y-2345", "2026-01-01T00:00:00Z", "r/(x|y)-[0-9]{4}@1970-01-01"),
      ("r", "y-2345", "2026-05-01T00:00:00Z", "r/(x|y)-[0-9]{4}@2026-05-01"),
      ("r", "y-23456", "2026-05-01T00:00:00Z", nil), ("r", "x-1999", "2026-01-01T00:00:00Z", "r/x-1@1970-01-01"),
      ("r", "x-1234", "2026-06-01T00:00:00Z", "r/x-1234@2026-06-01"), ("r", "x-1234", "2026-05-31T00:00:00Z", nil),
      ("s", "x-1234", "2026-06-01T00:00:00Z", nil), ("p", "", "2026-01-01T00:00:00Z", nil),
      ("p", "m", "1969-12-31T23:59:59Z", nil),
    ] as [(String, String, String, String?)])
  func `the price of the event's time is found, the most specific name first`(
    provider: String, model: String, at: String, id: String?
  ) throws {
    #expect(try book(Self.history).price(provider: provider, model: model, at: time(at))?.id == id)
  }

  @Test func `a price that begins within a day carries the time in its id`() throws {
    let price = Price(provider: "p", model: "m", effectiveFrom: try time("2026-09-01T12:00:00Z"), rows: [])
    #expect(price.id == "p/m@2026-09-01T12:00:00.000Z")
  }
}
