import Contracts

/// What a streamed message says it used. Pure. Each statement counts from the beginning of the message, so a later one
/// replaces an earlier one. `input_tokens` excludes what was read from the cache and written to it, as our units do;
/// tokens of thinking are among `output_tokens`. Figures that cannot be true make all of them count as not stated.
struct AnthropicUsage: Sendable {
  private var input: Int?
  private var cached: Int?
  private var written: Int?
  private var writtenForMinutes: Int?
  private var writtenForAnHour: Int?
  private var output: Int?
  private var isCredible = true

  mutating func take(_ usage: JSONValue?) {
    guard let usage, usage.isObject else { return }
    input = latest(usage["input_tokens"], input)
    cached = latest(usage["cache_read_input_tokens"], cached)
    written = latest(usage["cache_creation_input_tokens"], written)
    output = latest(usage["output_tokens"], output)
    let split = usage["cache_creation"]
    writtenForMinutes = latest(split?["ephemeral_5m_input_tokens"], writtenForMinutes)
    writtenForAnHour = latest(split?["ephemeral_1h_input_tokens"], writtenForAnHour)
  }

  /// Disjoint. Empty where nothing usable was stated.
  var units: [Usage] {
    guard isCredible, let input else { return [] }
    let long = writtenForAnHour ?? 0
    // With tools that run there the split is that of the first step only, and the total that of all: what the split
    // leaves out was written for minutes.
    let short = max(writtenForMinutes ?? 0, (written ?? 0) - long)
    let counts: [(Usage.Unit, Int)] = [
      (.inputTokens, input), (.cachedInputTokens, cached ?? 0), (.cacheWriteTokens, short),
      (.cacheWrite1hTokens, long), (.outputTokens, output ?? 0),
    ]
    return counts.compactMap { unit, count in count > 0 ? Usage(unit, ExactDecimal(count), .provider) : nil }
  }

  private mutating func latest(_ value: JSONValue?, _ before: Int?) -> Int? {
    guard let value, !value.isNull else { return before }
    if let stated = value.integer, (0...1_000_000_000).contains(stated) { return stated }
    isCredible = false
    return nil
  }
}
