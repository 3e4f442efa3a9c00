/// One metric with its series, ready to be written.
struct MetricFamily: Sendable {
  struct Sample: Sendable {
    enum Value: Sendable {
      case number(Double)
      case histogram(MetricStore.Histogram)
    }
    /// In the order of the metric's labels.
    var values: [String]
    var value: Value
  }

  var metric: Metric
  var samples: [Sample]
}
