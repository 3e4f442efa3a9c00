/// The values of all series. A value without locks or clocks; `MetricRegistry` shares it.
package struct MetricStore: Sendable {
  struct Series: Sendable, Hashable {
    /// The metric's; hashing a whole declaration would cost more than the addition.
    let name: String
    let values: [String]
  }

  struct Histogram: Sendable, Equatable {
    /// One count per bucket and one for what is above the last bound; not cumulative.
    var counts: [UInt64]
    var sum = 0.0
  }

  private var allowed: [MetricLabel: Set<String>] = [:]
  private var numbers: [Series: Double] = [:]
  private var histograms: [Series: Histogram] = [:]
  private let maximumSeries: Int

  init(tiers: some Sequence<String>, providers: some Sequence<String>, maximumSeries: Int) {
    self.maximumSeries = maximumSeries
    for label in MetricLabel.allCases { allowed[label] = Set(label.fixedValues ?? []) }
    declare(tiers: tiers, providers: providers)
  }

  /// Replaces the values that the policy names; series that exist already stay.
  mutating func declare(tiers: some Sequence<String>, providers: some Sequence<String>) {
    allowed[.tier] = Set(tiers)
    allowed[.provider] = Set(providers)
  }

  /// Adds to a counter. Label values in the order of the declaration. A counter never falls: an amount that is not
  /// positive (a correction in the user's favour) is left out.
  package mutating func add(_ amount: Double = 1, to metric: Metric, _ values: String...) {
    guard metric.kind == .counter else { fatalError("Bug: \(metric.name) is not a counter") }
    guard amount > 0, let series = series(metric, values) else { return }
    numbers[series, default: 0] += amount
  }

  /// Sets a gauge.
  package mutating func set(_ metric: Metric, _ values: String..., to value: Double) {
    guard metric.kind == .gauge else { fatalError("Bug: \(metric.name) is not a gauge") }
    guard let series = series(metric, values) else { return }
    numbers[series] = value
  }

  /// Adds one observation, in seconds, to a histogram.
  package mutating func observe(_ seconds: Double, in metric: Metric, _ values: String...) {
    guard case .histogram(let buckets) = metric.kind else { fatalError("Bug: \(metric.name) is not a histogram") }
    guard let series = series(metric, values) else { return }
    let bucket = buckets.firstIndex { seconds <= $0 } ?? buckets.count
    var empty: Histogram { Histogram(counts: Array(repeating: 0, count: buckets.count + 1)) }
    histograms[series, default: empty].counts[bucket] += 1
    histograms[series, default: empty].sum += seconds
  }

  /// The series to change; nil, and counted, when it would be one too many.
  private mutating func series(_ metric: Metric, _ values: [String]) -> Series? {
    guard values.count == metric.labels.count else {
      fatalError("Bug: \(metric.name) has \(metric.labels.count) labels")
    }
    let closed = zip(metric.labels, values).map { label, value in
      allowed[label]?.contains(value) == true ? value : MetricLabel.other
    }
    let series = Series(name: metric.name, values: closed)
    let isKnown = numbers[series] != nil || histograms[series] != nil
    if isKnown || numbers.count + histograms.count < maximumSeries { return series }
    numbers[Series(name: Metrics.seriesOverflow.name, values: []), default: 0] += 1
    return nil
  }

  /// Every metric that has a value, in the order of the catalogue, its series in the order of their label values.
  func families() -> [MetricFamily] {
    var samples: [String: [MetricFamily.Sample]] = [:]
    for (series, value) in numbers {
      samples[series.name, default: []].append(.init(values: series.values, value: .number(value)))
    }
    for (series, value) in histograms {
      samples[series.name, default: []].append(.init(values: series.values, value: .histogram(value)))
    }
    return Metrics.all.compactMap { metric -> MetricFamily? in
      let found = samples[metric.name]?.sorted { $0.values.lexicographicallyPrecedes($1.values) }
      return found.map { MetricFamily(metric: metric, samples: $0) }
    }
  }
}
