import Catalog
import Contracts
import Testing

@Suite struct PriceCheckTests {
  private func kinds(_ entries: String, origin: String = ", source: s, checked: 2026-11-01}") throws -> [String] {
    let text = entries.replacing("}ORIGIN", with: origin)
    return PriceCheck.findings(in: try book(text), asOf: try time("2026-11-21T00:00:00Z"))
      .map { "\($0.kind.rawValue) \($0.priceID)" }
  }

  private func entry(_ rows: String, _ more: String = "") -> String {
    "  - {provider: p, model: m, unit_prices: [\(rows)]\(more)}ORIGIN\n"
  }

  @Test(arguments: [
    ("{unit: characters, price: \"0.00002\"}", []),
    ("{unit: characters, price: 15}", ["scale p/m@1970-01-01"]),
    ("{unit: characters, price: \"0.000015\", per: 1000000}", ["scale p/m@1970-01-01"]),
    ("{unit: audio_seconds, price: \"0.36\"}", []),
    ("{unit: audio_seconds, price: 36}", ["scale p/m@1970-01-01"]),
    ("{unit: video_seconds, price: \"0.5\"}", []),
    ("{unit: images, price: 400}", ["scale p/m@1970-01-01"]),
    ("{unit: requests, price: 0}", ["free p/m@1970-01-01"]),
    // The shape of 43 transcription models in the map of litellm: what is heard has a price, the other side none.
    ("{unit: audio_seconds, price: 0}", ["free p/m@1970-01-01"]),
    ("{unit: input_tokens, price: 2, per: 1000000}", ["missing_side p/m@1970-01-01"]),
    ("{unit: output_tokens, price: 2, per: 1000000}", ["missing_side p/m@1970-01-01"]),
    ("{unit: cached_input_tokens, price: 2, per: 1000000}", ["missing_side p/m@1970-01-01"]),
    ("{unit: input_tokens, price: 2, per: 1000000}, {unit: output_tokens, price: 0}", []),
    ("{unit: input_tokens, price: 2, per: 1000000}, {unit: output_audio_tokens, price: 3, per: 1000000}", []),
    (
      "{unit: input_tokens, price: \"2.5\"}, {unit: output_tokens, price: 10, per: 1000000}",
      ["scale p/m@1970-01-01", "relation p/m@1970-01-01"]
    ),
    (
      "{unit: input_tokens, price: \"0.00000025\", per: 1000000}, {unit: output_tokens, price: 10, per: 1000000}",
      ["scale p/m@1970-01-01", "relation p/m@1970-01-01"]
    ),
  ])
  func `figures that can hardly be meant are found`(rows: String, expected: [String]) throws {
    #expect(try kinds(entry(rows)) == expected)
  }

  @Test(arguments: [("49.9", 0), ("50", 1), ("99.9", 1), ("0.0201", 0), ("0.02", 1), ("0", 0)])
  func `a jump of fifty times or more between two dates is found`(price: String, count: Int) throws {
    let text =
      entry("{unit: images, price: 1}") + entry("{unit: images, price: \"\(price)\"}", ", effective_from: 2026-05-01")
    #expect(try kinds(text).filter { $0.hasPrefix("jump") } == Array(repeating: "jump p/m@2026-05-01", count: count))
  }

  @Test(arguments: [
    ("2026-05-01", []), ("2026-05-02", ["overlap p/m@2026-05-01"]), ("2026-04-30", ["gap p/m@2026-05-01"]),
  ])
  func `overlaps and gaps between two dates are found`(end: String, expected: [String]) throws {
    let text =
      entry("{unit: images, price: 1}", ", effective_to: \(end)")
      + entry("{unit: images, price: 2}", ", effective_from: 2026-05-01")
    #expect(try kinds(text) == expected)
  }

  @Test(arguments: [
    (", source: s, checked: 2026-05-25}", []), (", source: s, checked: 2026-05-24}", ["stale p/m@1970-01-01"]),
    (", source: s}", ["stale p/m@1970-01-01"]), (", checked: 2026-11-01}", ["missing_source p/m@1970-01-01"]),
  ])
  func `figures without a source or not checked for half a year are found`(origin: String, expected: [String]) throws {
    #expect(try kinds(entry("{unit: images, price: 1}"), origin: origin) == expected)
  }

  @Test func `a price that was replaced is not stale, nobody can check it any more`() throws {
    let text =
      entry("{unit: images, price: 1}", ", source: s, checked: 2025-01-01").replacing("}ORIGIN", with: "}")
      + entry("{unit: images, price: 2}", ", effective_from: 2026-05-01")
    #expect(try kinds(text) == [])
  }

  @Test(arguments: [("2026-11-21", 1), ("2026-11-22", 0)])
  func `a price that ended without another is found`(end: String, count: Int) throws {
    let text = entry("{unit: images, price: 1}", ", effective_to: \(end)")
    #expect(try kinds(text) == Array(repeating: "gap p/m@1970-01-01", count: count))
  }

  /// Input and output at 1 and 2 dollars a million, and what a test adds.
  private func tokens(_ more: String, input: String = "1", output: String = "2") -> String {
    let rows = [
      "{unit: input_tokens, price: \"\(input)\", per: 1000000}",
      "{unit: output_tokens, price: \"\(output)\", per: 1000000}",
    ]
    return (rows + (more.isEmpty ? [] : [more])).joined(separator: ", ")
  }

  @Test(arguments: [
    ("", "1", "2", 0), ("", "1", "1", 0), ("", "1", "49", 0), ("", "1", "50", 1), ("", "2", "1", 1), ("", "2", "0", 0),
    ("{unit: cached_input_tokens, price: \"1\", per: 1000000}", "1", "2", 0),
    ("{unit: cached_input_tokens, price: \"1.01\", per: 1000000}", "1", "2", 1),
    ("{unit: cache_write_tokens, price: \"4\", per: 1000000}", "1", "2", 0),
    ("{unit: cache_write_tokens, price: \"4.01\", per: 1000000}", "1", "2", 1),
    ("{unit: cache_write_1h_tokens, price: \"4.01\", per: 1000000}", "1", "2", 1),
    (
      "{unit: cache_write_tokens, price: \"2\", per: 1000000}, "
        + "{unit: cache_write_1h_tokens, price: \"1.9\", per: 1000000}", "1", "2", 1
    ),
    (
      "{unit: cache_write_tokens, price: \"2\", per: 1000000}, "
        + "{unit: cache_write_1h_tokens, price: \"2\", per: 1000000}", "1", "2", 0
    ),
  ])
  func `units that do not fit each other are found`(more: String, input: String, output: String, count: Int) throws {
    let text = entry(tokens(more, input: input, output: output))
    #expect(try kinds(text) == Array(repeating: "relation p/m@1970-01-01", count: count))
  }

  @Test func `units of a tier have to fit each other, too, and a tier is not cheaper than what is below`() throws {
    func tiered(_ input: String, _ output: String) -> String {
      entry(tokens(""), ", context_tiers: [{above: 1000, unit_prices: [\(tokens("", input: input, output: output))]}]")
    }
    #expect(try kinds(tiered("2", "3")) == [])
    #expect(try kinds(tiered("0.9", "2")) == ["tier p/m@1970-01-01"])
    #expect(try kinds(tiered("2", "200")) == ["relation p/m@1970-01-01"])
    #expect(try kinds(tiered("2000000", "3000000")).contains("scale p/m@1970-01-01"))
    let jump =
      tiered("1", "2")
      + tiered("60", "99").replacing("model: m,", with: "model: m, effective_from: 2026-05-01,")
    #expect(try kinds(jump) == ["jump p/m@2026-05-01"])
  }

  @Test func `the two errors that the map of litellm is known for are found`() throws {
    // claude-3-haiku: a million tokens kept for an hour at 6, which is 24 times the input.
    let haiku = entry(
      tokens(
        "{unit: cache_write_tokens, price: \"0.3\", per: 1000000}, "
          + "{unit: cache_write_1h_tokens, price: \"6\", per: 1000000}", input: "0.25", output: "1.25"))
    #expect(try kinds(haiku) == ["relation p/m@1970-01-01"])
    // gpt-5-nano: priority input at 2.50 where 0.05 is the price. As a price that follows,
    let nano = entry(tokens("", input: "0.05", output: "0.4"))
    let priority = entry(tokens("", input: "2.5", output: "3"), ", effective_from: 2026-05-01")
    #expect(try kinds(nano + priority) == ["jump p/m@2026-05-01"])
    // as a relative,
    let relatives = [("gpt-5-nano", "2.5"), ("gpt-4.1-nano", "0.05"), ("gpt-5.4-nano", "0.04")].map { model, input in
      entry(tokens("", input: input, output: "3")).replacing("model: m", with: "model: \(model)")
    }
    #expect(try kinds(relatives.joined()).filter { $0.hasPrefix("jump") } == ["jump p/gpt-5-nano@1970-01-01"])
    // and beside its own output.
    #expect(try kinds(entry(tokens("", input: "2.5", output: "0.4"))) == ["relation p/m@1970-01-01"])
  }

  @Test(arguments: [
    ("gpt-5-nano", "gpt-5.4-nano", true), ("claude-haiku-4-5", "claude-3-haiku", true),
    ("gpt-5", "gpt-5.4-nano", false),
    ("mistral-large-latest", "mistral-large-2512", true), ("eleven_flash_v2", "eleven_flash_v2_5", true),
    ("o3", "o4-mini", false), ("gpt-5", "gpt-5", false),
  ])
  func `names that differ in their version only are a family`(one: String, other: String, isFamily: Bool) throws {
    let text =
      entry(tokens("")).replacing("model: m", with: "model: \(one)")
      + entry(tokens("", input: "0.02", output: "0.9")).replacing("model: m", with: "model: \(other)")
      .replacing("provider: p", with: one == other ? "provider: q" : "provider: p")
    #expect(try kinds(text).filter { $0.hasPrefix("jump") }.count == (isFamily ? 2 : 0))
  }

  @Test(arguments: [
    ("provider: p, model: x, match: prefix", "provider: p, model: x-1", ["shadow p/x@1970-01-01"]),
    ("provider: p, model: x, match: prefix", "provider: p, model: y-1", []),
    ("provider: p, model: \"x-[0-9]\", match: regex", "provider: p, model: x-1", ["shadow p/x-[0-9]@1970-01-01"]),
    ("provider: p, model: \"x-[0-9]\", match: regex", "provider: p, model: x-, match: prefix", []),
    ("provider: p, model: \"x.*\", match: regex", "provider: p, model: x-, match: prefix", ["shadow p/x.*@1970-01-01"]),
    ("provider: p, model: x, match: prefix", "provider: q, model: x-1", []),
  ])
  func `a beginning or a pattern that also fits a name with a price of its own is found`(
    wide: String, own: String, expected: [String]
  ) throws {
    let text = [wide, own].map { names in
      entry("{unit: images, price: 1}").replacing("provider: p, model: m", with: names)
    }
    #expect(try kinds(text.joined()) == expected)
  }
}
