/// The values of all series. A value without locks or clocks; `MetricRegistry` shares it.
package struct MetricStore: Sendable {
  /// The name of a metric (hashing a whole declaration would cost more than the addition) and its label values, empty
  /// behind the last. Without an array, because every job touches half a dozen series.
  struct Series: Sendable, Hashable {
    let name: String
    var first = ""
    var second = ""
    var third = ""
    var fourth = ""

    var values: [String] { [first, second, third, fourth] }
  }

  struct Histogram: Sendable, Equatable {
    /// One count per bucket and one for what is above the last bound; not cumulative.
    var counts: [UInt64]
    var sum = 0.0

    mutating func add(_ value: Double, to bucket: Int) {
      counts[bucket] += 1
      sum += value
    }
  }

  private var allowed: [MetricLabel: Set<String>] = [:]
  /// Series whose label values were found to be allowed. As many as there are series at most.
  private var checked: Set<Series> = []
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
    checked = []
    allowed[.tier] = Set(tiers)
    allowed[.provider] = Set(providers)
  }

  /// Adds to a counter. Label values in the order of the declaration. A counter never falls: an amount that is not
  /// positive (a correction in the user's favour) is left out.
  package mutating func add(
    _ amount: Double = 1, to metric: Metric, _ first: String = "", _ second: String = "", _ third: String = "",
    _ fourth: String = ""
  ) {
    guard metric.kind == .counter else { fatalError("Bug: \(metric.name) is not a counter") }
    let asked = Series(name: metric.name, first: first, second: second, third: third, fourth: fourth)
    guard amount > 0, let series = series(metric, asked) else { return }
    numbers[series, default: 0] += amount
  }

  /// Sets a gauge.
  package mutating func set(_ metric: Metric, _ first: String = "", _ second: String = "", to value: Double) {
    guard metric.kind == .gauge else { fatalError("Bug: \(metric.name) is not a gauge") }
    guard let series = series(metric, Series(name: metric.name, first: first, second: second)) else { return }
    numbers[series] = value
  }

  /// Adds one observation, in seconds, to a histogram.
  package mutating func observe(_ seconds: Double, in metric: Metric, _ first: String = "", _ second: String = "") {
    guard case .histogram(let buckets) = metric.kind else { fatalError("Bug: \(metric.name) is not a histogram") }
    guard let series = series(metric, Series(name: metric.name, first: first, second: second)) else { return }
    let bucket = buckets.firstIndex { seconds <= $0 } ?? buckets.count
    histograms[series, default: Histogram(counts: Array(repeating: 0, count: buckets.count + 1))]
      .add(seconds, to: bucket)
  }

  /// The series to change; nil, and counted, when it would be one too many.
  private mutating func series(_ metric: Metric, _ asked: Series) -> Series? {
    if checked.contains(asked) { return asked }
    let labels = metric.labels
    guard asked.values.dropFirst(labels.count).allSatisfy(\.isEmpty) else {
      fatalError("Bug: \(metric.name) has \(labels.count) labels")
    }
    func closed(_ index: Int, _ value: String) -> String {
      guard index < labels.count else { return "" }
      return allowed[labels[index]]?.contains(value) == true ? value : MetricLabel.other
    }
    let series = Series(
      name: metric.name, first: closed(0, asked.first), second: closed(1, asked.second),
      third: closed(2, asked.third), fourth: closed(3, asked.fourth))
    if numbers[series] == nil, histograms[series] == nil {
      guard numbers.count + histograms.count < maximumSeries else {
        numbers[Series(name: Metrics.seriesOverflow.name), default: 0] += 1
        return nil
      }
    }
    if series == asked { checked.insert(series) }
    return series
  }

  /// Every metric that has a value, in the order of the catalogue, its series in the order of their label values.
  func families() -> [MetricFamily] {
    var samples: [String: [(series: Series, value: MetricFamily.Sample.Value)]] = [:]
    for (series, value) in numbers { samples[series.name, default: []].append((series, .number(value))) }
    for (series, value) in histograms { samples[series.name, default: []].append((series, .histogram(value))) }
    return Metrics.all.map { metric in
      let found = samples[metric.name]?.map { sample in
        MetricFamily.Sample(values: Array(sample.series.values.prefix(metric.labels.count)), value: sample.value)
      }
      // One without any is still announced: who looks for its name learns that there is nothing yet.
      return MetricFamily(
        metric: metric, samples: (found ?? []).sorted { $0.values.lexicographicallyPrecedes($1.values) })
    }
  }
}
