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
    ("{unit: requests, price: 0}", []),
    ("{unit: input_tokens, price: 2, per: 1000000}", ["missing_side p/m@1970-01-01"]),
    ("{unit: output_tokens, price: 2, per: 1000000}", ["missing_side p/m@1970-01-01"]),
    ("{unit: cached_input_tokens, price: 2, per: 1000000}", ["missing_side p/m@1970-01-01"]),
    ("{unit: input_tokens, price: 2, per: 1000000}, {unit: output_tokens, price: 0}", []),
    ("{unit: input_tokens, price: 2, per: 1000000}, {unit: output_audio_tokens, price: 3, per: 1000000}", []),
    (
      "{unit: input_tokens, price: \"2.5\"}, {unit: output_tokens, price: 10, per: 1000000}",
      ["scale p/m@1970-01-01"]
    ),
  ])
  func `figures that can hardly be meant are found`(rows: String, expected: [String]) throws {
    #expect(try kinds(entry(rows)) == expected)
  }

  @Test(arguments: [("49.9", 0), ("50", 1), ("99.9", 1), ("0.0201", 0), ("0.02", 1), ("0", 0)])
  func `a jump of fifty times or more between two dates is found`(price: String, count: Int) throws {
    let text =
      entry("{unit: images, price: 1}") + entry("{unit: images, price: \"\(price)\"}", ", effective_from: 2026-05-01")
    #expect(try kinds(text) == Array(repeating: "jump p/m@2026-05-01", count: count))
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
}
