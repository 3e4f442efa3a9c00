/// The Prometheus text format 0.0.4. Pure.
/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
enum PrometheusText {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  static func render(_ families: [MetricFamily]) -> String {
    var text = ""
    for family in families {
      let metric = family.metric
      text += "# HELP \(metric.name) \(escaped(metric.help))\n# TYPE \(metric.name) \(metric.kind.name)\n"
      for sample in family.samples { append(sample, of: metric, to: &text) }
    }
    return text
  }

  private static func append(_ sample: MetricFamily.Sample, of metric: Metric, to text: inout String) {
    let labels = zip(metric.labels, sample.values).map { #"\#($0.rawValue)="\#(escaped($1, quote: true))""# }
    switch (sample.value, metric.kind) {
    case (.histogram(let histogram), .histogram(let buckets)):
      var running: UInt64 = 0
      for (bound, count) in zip(buckets.map(number) + ["+Inf"], histogram.counts) {
        running += count
        text += "\(metric.name)_bucket\(braces(labels + [#"le="\#(bound)""#])) \(running)\n"
      }
      text += "\(metric.name)_sum\(braces(labels)) \(number(histogram.sum))\n"
      text += "\(metric.name)_count\(braces(labels)) \(running)\n"
    case (.number(let value), _):
      text += "\(metric.name)\(braces(labels)) \(number(value))\n"
    case (.histogram, _): fatalError("Bug: \(metric.name) is no histogram but has one")
    }
  }

  private static func braces(_ labels: [String]) -> String {
    labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
  }

  /// As Go's parser reads it; whole numbers without a fraction.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
  }

  /// Help texts escape backslash and line feed, label values the quotation mark too.
  static func escaped(_ text: String, quote: Bool = false) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += #"\\"#
      case "\n": result += #"\n"#
      case "\"" where quote: result += #"\""#
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
