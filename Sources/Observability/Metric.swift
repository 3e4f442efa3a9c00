/// One metric of the catalogue: its name, kind, labels and meaning. Label values come from closed sets, so the number
/// of series is known before the first job runs.
package struct Metric: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case counter
    case gauge
    /// Upper bounds of the buckets in rising order, without the last, infinite one.
    case histogram(buckets: [Double])

    /// The word of the text format.
    package var name: String {
      switch self {
      case .counter: "counter"
      case .gauge: "gauge"
      case .histogram: "histogram"
      }
    }
  }

  package let name: String
  package let kind: Kind
  package let labels: [MetricLabel]
  /// One sentence with the unit.
  package let help: String
  /// The version that first feeds it; nil while nothing does.
  package let fedSince: String?

  init(_ name: String, _ kind: Kind, _ labels: [MetricLabel] = [], _ help: String, fedSince: String?) {
    self.name = name
    self.kind = kind
    self.labels = labels
    self.help = help
    self.fedSince = fedSince
  }
}
