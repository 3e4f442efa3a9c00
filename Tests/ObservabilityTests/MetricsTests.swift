import Contracts
import Foundation
import Testing

@testable import Observability

struct MetricsTests {
  private let registry = MetricRegistry(tiers: ["FREE", "PRO"], providers: ["piper"])

  /// What has a value, each with its two lines of explanation.
  private var said: String {
    let lines = registry.text().split(separator: "\n")
    let fed = Set(lines.filter { $0.first != "#" }.map { $0.prefix { $0 != "{" && $0 != " " } })
    func isFed(_ name: Substring) -> Bool { fed.contains { $0 == name || $0.hasPrefix(name + "_") } }
    return lines.filter { $0.first != "#" || isFed($0.split(separator: " ")[2]) }.map { $0 + "\n" }.joined()
  }

  @Test func `every metric is announced before it has a value`() {
    for metric in Metrics.all {
      #expect(registry.text().contains("# TYPE \(metric.name) \(metric.kind.name)\n"))
    }
    #expect(said == "")
  }

  @Test func `counters add up and gauges show the last value`() {
    registry.update { metrics in
      metrics.add(3, to: Metrics.deliveries, "high", "done")
      metrics.add(to: Metrics.deliveries, "high", "done")
      metrics.add(to: Metrics.deliveries, "critical", "handed_back")
      metrics.set(Metrics.slots, to: 8)
      metrics.set(Metrics.slots, to: 4)
      metrics.add(0.0617, to: Metrics.costUSD, "PRO", "piper", "tts")
    }
    #expect(
      said == """
        # HELP tollway_deliveries_total Deliveries taken from a lane, by what became of them.
        # TYPE tollway_deliveries_total counter
        tollway_deliveries_total{lane="critical",verdict="handed_back"} 1
        tollway_deliveries_total{lane="high",verdict="done"} 4
        # HELP tollway_slots Jobs this process may run at once; sum over processes.
        # TYPE tollway_slots gauge
        tollway_slots 4
        # HELP tollway_cost_usd_total US dollars spent, for graphs; the ledger has the exact sums.
        # TYPE tollway_cost_usd_total counter
        tollway_cost_usd_total{tier="PRO",provider="piper",task="tts"} 0.0617

        """)
  }

  @Test func `a counter never falls`() {
    registry.update { metrics in
      metrics.add(2, to: Metrics.costUSD, "PRO", "piper", "tts")
      metrics.add(-1, to: Metrics.costUSD, "PRO", "piper", "tts")
      metrics.add(.nan, to: Metrics.costUSD, "PRO", "piper", "tts")
    }
    #expect(registry.text().contains(#"task="tts"} 2"#))
  }

  @Test func `buckets of a histogram are cumulative and end at infinity`() {
    registry.update { metrics in
      for seconds in [0.0004, 0.0005, 0.3, 99] { metrics.observe(seconds, in: Metrics.admissionSeconds) }
    }
    let lines = said.split(separator: "\n").map(String.init)
    #expect(lines[1] == "# TYPE tollway_admission_seconds histogram")
    #expect(
      lines.dropFirst(2) == [
        #"tollway_admission_seconds_bucket{le="0.0005"} 2"#, #"tollway_admission_seconds_bucket{le="0.001"} 2"#,
        #"tollway_admission_seconds_bucket{le="0.002"} 2"#, #"tollway_admission_seconds_bucket{le="0.005"} 2"#,
        #"tollway_admission_seconds_bucket{le="0.01"} 2"#, #"tollway_admission_seconds_bucket{le="0.02"} 2"#,
        #"tollway_admission_seconds_bucket{le="0.05"} 2"#, #"tollway_admission_seconds_bucket{le="0.1"} 2"#,
        #"tollway_admission_seconds_bucket{le="0.25"} 2"#, #"tollway_admission_seconds_bucket{le="0.5"} 3"#,
        #"tollway_admission_seconds_bucket{le="1"} 3"#, #"tollway_admission_seconds_bucket{le="5"} 3"#,
        #"tollway_admission_seconds_bucket{le="+Inf"} 4"#, "tollway_admission_seconds_sum 99.3009",
        "tollway_admission_seconds_count 4",
      ])
  }

  @Test func `values outside the closed sets are one series called other`() {
    registry.update { metrics in
      for number in 0..<1000 { metrics.add(to: Metrics.attempts, "provider-\(number)", "success\n} 1") }
      metrics.add(to: Metrics.attempts, "piper", "success")
    }
    #expect(
      said.split(separator: "\n").dropFirst(2) == [
        #"tollway_attempts_total{provider="other",outcome="other"} 1000"#,
        #"tollway_attempts_total{provider="piper",outcome="success"} 1"#,
      ])
  }

  @Test func `a reloaded policy opens its new names and keeps the old series`() {
    registry.update { $0.add(to: Metrics.attempts, "piper", "success") }
    registry.declare(tiers: ["PRO"], providers: ["openai"])
    registry.update { $0.add(to: Metrics.attempts, "openai", "failed") }
    #expect(registry.text().contains(#"{provider="openai",outcome="failed"} 1"#))
    #expect(registry.text().contains(#"{provider="piper",outcome="success"} 1"#))
  }

  @Test func `series beyond the limit are dropped and counted, known ones go on`() {
    let small = MetricRegistry(tiers: [], providers: [], maximumSeries: 2)
    small.update { metrics in
      for lane in Lane.allCases { metrics.set(Metrics.running, lane.rawValue, to: 1) }
      metrics.observe(1, in: Metrics.admissionSeconds)
      metrics.set(Metrics.running, "high", to: 5)
    }
    let text = small.text()
    #expect(text.contains(#"tollway_running{lane="high"} 5"#))
    #expect(!text.contains(#"lane="low""#))
    #expect(!text.contains("admission_seconds_count"))
    #expect(text.contains("tollway_series_overflow_total 3"))
  }

  @Test func `threads that count at once lose nothing`() async {
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { [registry] in
          for _ in 0..<500 { registry.update { $0.add(to: Metrics.reconnects, "amqp") } }
        }
      }
    }
    #expect(registry.text().contains(#"tollway_reconnects_total{wire="amqp"} 4000"#))
  }

  @Test func `texts are escaped as the format wants`() {
    #expect(PrometheusText.escaped("a\\b\n\"c\"") == #"a\\b\n"c""#)
    #expect(PrometheusText.escaped("a\\b\n\"c\"", quote: true) == #"a\\b\n\"c\""#)
    #expect(PrometheusText.number(.infinity) == "+Inf")
    #expect(PrometheusText.number(-0.5) == "-0.5")
    #expect(PrometheusText.number(1e15) == "1000000000000000")
  }

  @Test func `the catalogue has each name once, well formed, counters ending in total`() {
    #expect(Set(Metrics.all.map(\.name)).count == Metrics.all.count)
    for metric in Metrics.all {
      #expect(metric.name.wholeMatch(of: /tollway_[a-z_]+[a-z]/) != nil)
      #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter))
      if case .histogram(let buckets) = metric.kind { #expect(buckets == buckets.sorted()) }
    }
  }

  @Test func `the document says what the catalogue says`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/metrics.md")
    let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `toll") }
    #expect(
      rows.map(String.init)
        == Metrics.all.map { metric in
          let labels = metric.labels.map { "`\($0.rawValue)`" }.joined(separator: ", ")
          return "| `\(metric.name)` | \(metric.kind.name) | \(labels.isEmpty ? "none" : labels) | \(metric.help) | "
            + "\(metric.fedSince ?? "not yet") |"
        })
    let document = try String(contentsOf: file, encoding: .utf8)
    for label in MetricLabel.allCases {
      let values = label.fixedValues?.map { "`\($0)`" }.joined(separator: ", ") ?? "the names in the policy file"
      #expect(document.contains("| `\(label.rawValue)` | \(values) |"))
    }
  }
}
