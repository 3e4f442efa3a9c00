import Operations

/// How a provider stands, in words and in its state.
struct ProviderStanding {
  let words: String
  let severity: String

  /// - Parameter restingModels: of one that serves.
  init(_ row: ProviderBoard.Row, restingModels: Int = 0) {
    switch row.state {
    case .serving where restingModels > 0:
      words = "serves, \(Figure.count(restingModels, "model")) rest\(restingModels == 1 ? "s" : "")"
      severity = "warn"
    case .serving: (words, severity) = ("serves", "calm")
    case .probing: (words, severity) = ("is tried", "warn")
    case .resting: (words, severity) = ("rests", "bad")
    case .held: (words, severity) = ("held by hand", "ink")
    }
  }

  static func why(_ reason: String?) -> String? {
    switch reason {
    case "failures": "its calls fail"
    case "rate": "it asked for fewer calls"
    case "account": "it refuses the key or the account"
    case "funds": "no money is left there"
    case "gone": "it no longer has the model"
    case "hand": "taken out by hand"
    default: reason
    }
  }
}
