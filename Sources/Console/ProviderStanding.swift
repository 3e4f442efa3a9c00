import Operations

/// How a provider stands, in words and in its state.
struct ProviderStanding {
  let words: String
  let severity: String

  /// - Parameters:
  ///   - calls: of the last minute. Without any, all that is known is that nothing stands against it.
  ///   - restingModels: of one that serves.
  init(_ row: ProviderBoard.Row, calls: Int = 0, restingModels: Int = 0) {
    switch row.state {
    case .serving where restingModels > 0:
      words = "\(Figure.count(restingModels, "model")) rest\(restingModels == 1 ? "s" : "")"
      severity = "warn"
    case .serving: (words, severity) = calls > 0 ? ("serves", "calm") : ("no calls", "")
    case .probing: (words, severity) = ("is tried", "warn")
    case .resting: (words, severity) = ("rests", "bad")
    case .held: (words, severity) = ("is held", "ink")
    }
  }
}
