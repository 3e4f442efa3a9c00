/// One measured quantity of an attempt: what was used, how much, and who says so.
package struct Usage: Sendable, Hashable {
  /// Units that prices are quoted in. The raw value stands in cost events, results and the price book.
  package enum Unit: String, CaseIterable, Sendable {
    case inputTokens = "input_tokens"
    case cachedInputTokens = "cached_input_tokens"
    case cacheWriteTokens = "cache_write_tokens"
    /// Written to a cache that keeps them for an hour, which costs more than the usual few minutes.
    case cacheWrite1hTokens = "cache_write_1h_tokens"
    case outputTokens = "output_tokens"
    case inputAudioTokens = "input_audio_tokens"
    case outputAudioTokens = "output_audio_tokens"
    case inputImageTokens = "input_image_tokens"
    case outputImageTokens = "output_image_tokens"
    case characters
    case audioSeconds = "audio_seconds"
    case images
    case videoSeconds = "video_seconds"
    case requests

    /// Whether it counts against a quota of tokens.
    package var isToken: Bool { rawValue.hasSuffix("_tokens") }
  }

  package enum Source: String, Sendable {
    /// The provider stated it.
    case provider
    /// The worker measured it (the duration of a WAV file, the characters of a text).
    case measured
    /// The worker could only estimate it.
    case estimate
  }

  package var unit: Unit
  package var quantity: ExactDecimal
  package var source: Source
  /// What it was priced by beside its unit, kept so that the ledger can price it again; nil where the job left all open.
  package var dimensions: Dimensions?

  package init(_ unit: Unit, _ quantity: ExactDecimal, _ source: Source, dimensions: Dimensions? = nil) {
    self.unit = unit
    self.quantity = quantity
    self.source = source
    self.dimensions = dimensions.flatMap { $0.isOpen ? nil : $0 }
  }
}
