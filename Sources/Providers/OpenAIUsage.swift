import Contracts

/// Reads what a provider says was used. Pure. Figures that cannot be true (negative, more cached than sent, a total
/// below its parts) are treated as not stated, because a cost must never be negative or made up.
enum OpenAIUsage {
  /// Of text and embeddings. `prompt_tokens` includes the cached and cache-writing ones and those of audio; our units do
  /// not overlap. Of audio nobody says how much of it was cached: it counts as sent anew as far as that is possible.
  static func tokens(_ usage: JSONValue?) -> [Usage] {
    guard let usage, usage.isObject, let prompt = count(usage["prompt_tokens"]), let prompt else { return [] }
    let details = usage["prompt_tokens_details"]
    guard let cached = count(details?["cached_tokens"]), let written = count(details?["cache_write_tokens"]),
      let heard = count(details?["audio_tokens"]), let completion = count(usage["completion_tokens"]),
      let spoken = count(usage["completion_tokens_details"]?["audio_tokens"]), let total = count(usage["total_tokens"])
    else { return [] }
    let fresh = prompt - (cached ?? 0) - (written ?? 0)
    var output = completion ?? 0
    if let total {
      guard total >= prompt + output else { return [] }
      // Some servers leave the tokens of reasoning out of `completion_tokens` and count them in the total only.
      output = total - prompt
    }
    guard fresh >= 0, (heard ?? 0) <= prompt, (spoken ?? 0) <= output else { return [] }
    let audio = min(heard ?? 0, fresh)
    return [
      (.inputTokens, fresh - audio), (.cachedInputTokens, cached ?? 0), (.cacheWriteTokens, written ?? 0),
      (.outputTokens, output - (spoken ?? 0)), (.inputAudioTokens, audio), (.outputAudioTokens, spoken ?? 0),
    ].compactMap(stated)
  }

  /// Of pictures, for models that count tokens.
  static func imageTokens(_ usage: JSONValue?) -> [Usage] {
    guard let usage, usage.isObject, let input = count(usage["input_tokens"]), let input,
      let output = count(usage["output_tokens"]), let output
    else { return [] }
    let details = usage["input_tokens_details"]
    guard let pictures = count(details?["image_tokens"]), (pictures ?? 0) <= input else { return [] }
    return [
      (.inputTokens, input - (pictures ?? 0)), (.inputImageTokens, pictures ?? 0), (.outputImageTokens, output),
    ].compactMap(stated)
  }

  /// Of speech, for models that count tokens: text in, audio out.
  static func speechTokens(_ usage: JSONValue?) -> [Usage] {
    guard let usage, usage.isObject, let input = count(usage["input_tokens"]), let input,
      let output = count(usage["output_tokens"]), let output
    else { return [] }
    return [(.inputTokens, input), (.outputAudioTokens, output)].compactMap(stated)
  }

  /// `usage.cost` in dollars, as OpenRouter states it. Its binary fractions may have more decimals than a price.
  static func cost(_ usage: JSONValue?) -> Money? {
    guard let number = usage?["cost"], let value = number.double, value >= 0, value < 1_000_000 else { return nil }
    if let exact = number.decimal { return Money(dollars: exact) }
    return Money(nanoUSD: Int64((value * 1e9).rounded(.toNearestOrEven)))
  }

  /// Outer nil: not a count. Inner nil: not stated.
  private static func count(_ value: JSONValue?) -> Int?? {
    guard let value, !value.isNull else { return .some(nil) }
    guard let count = value.integer, (0...1_000_000_000).contains(count) else { return nil }
    return count
  }

  private static func stated(_ unit: Usage.Unit, _ quantity: Int) -> Usage? {
    quantity > 0 ? Usage(unit, ExactDecimal(quantity), .provider) : nil
  }
}
