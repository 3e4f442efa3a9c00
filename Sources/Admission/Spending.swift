package import Contracts

/// What is counted against a month's cap and quotas: five figures, in the form that the scripts calculate with. Whole
/// numbers below 2^53, which is what Redis scripts count exactly.
package struct Spending: Sendable, Hashable {
  package var nanoUSD: Int64
  /// All token units together.
  package var tokens: Int64
  package var audioMilliseconds: Int64
  package var videoMilliseconds: Int64
  package var jobs: Int64

  package init(
    nanoUSD: Int64 = 0, tokens: Int64 = 0, audioMilliseconds: Int64 = 0, videoMilliseconds: Int64 = 0, jobs: Int64 = 0
  ) {
    self.nanoUSD = nanoUSD
    self.tokens = tokens
    self.audioMilliseconds = audioMilliseconds
    self.videoMilliseconds = videoMilliseconds
    self.jobs = jobs
  }

  /// Quantities are rounded up; what is beyond the largest figure counts as that.
  package init(_ amount: Money, _ usage: [Usage], jobs: Int) {
    self.init(nanoUSD: min(amount.nanoUSD, Self.largest), jobs: Int64(jobs))
    for entry in usage { add(entry.quantity, of: entry.unit) }
  }

  package static let largest: Int64 = 1 << 52

  private mutating func add(_ quantity: ExactDecimal, of unit: Usage.Unit) {
    switch unit {
    case .inputTokens, .cachedInputTokens, .cacheWriteTokens, .cacheWrite1hTokens, .outputTokens, .inputAudioTokens,
      .outputAudioTokens, .inputImageTokens, .outputImageTokens:
      tokens = min(Self.largest, tokens + Self.whole(quantity, times: 1))
    case .audioSeconds: audioMilliseconds = min(Self.largest, audioMilliseconds + Self.whole(quantity, times: 1000))
    case .videoSeconds: videoMilliseconds = min(Self.largest, videoMilliseconds + Self.whole(quantity, times: 1000))
    case .characters, .images, .requests: break
    }
  }

  private static func whole(_ quantity: ExactDecimal, times factor: Int128) -> Int64 {
    let unit = ExactDecimal.power(quantity.decimals)
    let (product, overflow) = quantity.mantissa.multipliedReportingOverflow(by: factor)
    guard !overflow else { return quantity.mantissa < 0 ? -largest : largest }
    let floor = product / unit
    let ceiling = product > 0 && product % unit != 0 ? floor + 1 : floor
    return Int64(min(max(ceiling, Int128(-largest)), Int128(largest)))
  }

  /// The larger of each figure.
  package func largest(of other: Spending) -> Spending {
    Spending(
      nanoUSD: max(nanoUSD, other.nanoUSD), tokens: max(tokens, other.tokens),
      audioMilliseconds: max(audioMilliseconds, other.audioMilliseconds),
      videoMilliseconds: max(videoMilliseconds, other.videoMilliseconds), jobs: max(jobs, other.jobs))
  }

  /// As the scripts read it.
  package var text: String { "\(nanoUSD) \(tokens) \(audioMilliseconds) \(videoMilliseconds) \(jobs)" }

  /// Nil for any other form.
  package init?(text: String) {
    let figures = text.split(separator: " ").compactMap { Int64($0) }
    guard figures.count == 5 else { return nil }
    self.init(
      nanoUSD: figures[0], tokens: figures[1], audioMilliseconds: figures[2], videoMilliseconds: figures[3],
      jobs: figures[4])
  }
}
