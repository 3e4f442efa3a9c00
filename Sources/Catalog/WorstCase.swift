package import Contracts

/// The most one attempt can use and cost: what is reserved before a call, and what is booked when a call was never
/// heard of again. Pure; bounds by the size of the request, so that it exists before any provider answered.
package struct WorstCase: Sendable, Hashable {
  /// All with source `estimate`. Prices to `cost` by itself, so that the ledger can price it again.
  package var usage: [Usage]
  /// Rounded up. `.zero` for a free model; `largest` for what is beyond it.
  package var cost: Money
  package var priceID: String?

  /// 2^53 - 1 nano-dollars, nine million dollars: the largest amount that Redis scripts calculate exactly.
  package static let largest = Money(nanoUSD: (1 << 53) - 1)

  /// Output tokens of a text call that names no `maxTokens`; adapters must ask their provider for the same limit.
  package static let defaultOutputTokens = 4096
  /// Speech at speed 1 takes at most a second for this many characters: digits, and scripts with a syllable each.
  static let charactersPerSecond = 5
  /// Audio tokens of one second of speech; providers make 20 to 25.
  static let audioTokensPerSecond = 32
  /// Output tokens of one image of 1024 x 1536 in the highest quality.
  static let tokensPerImage = 6240
  /// Seconds of a clip that names no length; the longest that a provider makes unasked.
  static let secondsPerClip = 12

  /// What a lost attempt is booked as.
  package var booked: Cost { Cost(cost, basis: .estimate, priceID: priceID) }

  /// - Parameter price: nil where the model is free.
  package init(of payload: JSONValue, task: TaskType, price: Price?) {
    let bounds = UsageBounds(of: payload, task: task)
    usage = bounds.usage
    cost = .zero
    priceID = price?.id
    guard let price else { return }
    var isFirst = true
    for way in bounds.ways(of: price, Price.Dimensions(of: payload, task: task)) {
      let cost = min(price.worstCost(of: way) ?? Self.largest, Self.largest)
      if isFirst || cost > self.cost { (usage, self.cost) = (way, cost) }
      isFirst = false
    }
  }
}

extension UsageBounds {
  /// Where nothing is charged.
  fileprivate var usage: [Usage] {
    guard isTokenized else { return pieces }
    return pieces + sent(as: .inputTokens) + [output].compactMap(\.self)
  }

  private func sent(as kind: Usage.Unit) -> [Usage] {
    input.map { [Usage(kind, ExactDecimal($0), .estimate)] } ?? []
  }

  /// All that may be charged for, in each way that it may be counted in; one of them is the dearest, because within a
  /// price the cost of what is sent rises with each kind alone. Never empty.
  fileprivate func ways(of price: Price, _ dimensions: Usage.Dimensions) -> [[Usage]] {
    let certain = price.countingRequest(pieces, .estimate)
    var inputs: [[Usage]] = [[]]
    // Tokens that cost nothing themselves may still lead to a dearer tier.
    if isTokenized || price.bills(.inputTokens) || !price.contextTiers.isEmpty {
      inputs = inputKinds.filter { $0 == .inputTokens || price.charges($0) }.map(sent)
    }
    var outputs: [[Usage]] = [[]]
    // A picture that is listed as it was asked for costs what the list says, and not what the largest would.
    let isListed = pieces.contains { $0.unit == .images && price.estimates($0.unit, like: dimensions) }
    if let output, isTokenized || price.bills(output.unit), !isListed {
      // What stands in for output that is not stated may be dearer than the output.
      outputs = price.hasEstimates ? [[output], []] : [[output]]
    }
    return inputs.flatMap { input in outputs.map { certain + input + $0 } }
  }
}
