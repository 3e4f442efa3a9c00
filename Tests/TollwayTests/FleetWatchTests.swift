import Admission
import Billing
import Catalog
import Contracts
import Testing

@testable import tollway

struct FleetWatchTests {
  /// The policy built in, with a promise to BUSINESS alone.
  private var policy: Policy {
    get throws {
      var policy = try PolicyFile.read(text: PolicyFile.builtIn).0
      for tier in policy.tiers.keys { policy.tiers[tier]?.serviceLevel = tier == "BUSINESS" ? .seconds(5) : nil }
      policy.notify.providerLatency = .seconds(30)
      return policy
    }
  }

  private func figures(
    waits: [Int] = [], calls: [Int] = [], oldest: Duration? = nil, providers: [String: BreakerState] = [:]
  ) -> FleetFigures {
    var report = WorkerReport(worker: "w1", slots: 1)
    for wait in waits { report.waits[.high, default: DurationHistogram()].add(.seconds(wait)) }
    for call in calls { report.calls["openai", default: DurationHistogram()].add(.seconds(call)) }
    report.oldest[.high] = oldest
    return FleetFigures(at: Timestamp(milliseconds: 60_000), workers: [report], providers: providers)
  }

  private func reading(_ figures: FleetFigures?, ages: [Lane: Duration]? = [:]) throws -> FleetReading {
    try FleetReading(figures, queueAges: ages, dead: 3, ledgerLag: .seconds(1), under: policy)
  }

  @Test func `only lanes with a promise are watched`() throws {
    let waits = try reading(figures()).waits
    #expect(waits == [.high: .init(limit: .seconds(5), found: .zero)])
  }

  @Test func `the wait is that of those that started, of the queue, or of the oldest where hardly any start`() throws {
    func wait(_ figures: FleetFigures, _ ages: [Lane: Duration] = [:]) throws -> Duration {
      try #require(try reading(figures, ages: ages).waits?[.high]).found
    }
    #expect(try wait(figures(waits: [9, 9, 9, 9, 9])) > .seconds(6))
    #expect(try wait(figures(waits: [9, 9, 9, 9])) == .zero)
    #expect(try wait(figures(waits: [9, 9, 9, 9], oldest: .seconds(7))) == .seconds(7))
    // One that is unlucky among many that are not.
    #expect(try wait(figures(waits: [0, 0, 0, 0, 0, 0], oldest: .seconds(7))) < .seconds(1))
    #expect(try wait(figures(waits: [0, 0, 0, 0, 0, 0]), [.high: .seconds(40)]) == .seconds(40))
  }

  @Test func `calls of a provider count from five on`() throws {
    #expect(try reading(figures(calls: [40, 40, 40, 40])).latencies == [:])
    let bound = try #require(try reading(figures(calls: [40, 40, 40, 40, 40])).latencies?["openai"])
    #expect(bound.limit == .seconds(30))
    #expect(bound.found > .seconds(30))
  }

  @Test func `rests are those of providers that the policy has, and as long as they last`() throws {
    func state(_ scope: String, _ reason: BreakerState.Reason, since: Int64) -> BreakerState {
      BreakerState(
        scope: scope, reason: reason, since: Timestamp(milliseconds: since), retryAt: Timestamp(milliseconds: 0))
    }
    let found = try reading(
      figures(providers: [
        "openai": state("openai", .funds, since: 50_000), "openai/gpt-x": state("openai/gpt-x", .gone, since: 60_500),
        "removed": state("removed", .failures, since: 0),
      ])
    ).rests
    #expect(
      found == [
        "openai": .init(.funds, length: .seconds(10)), "openai/gpt-x": .init(.gone, length: .zero),
      ])
  }

  @Test func `what cannot be read is unknown, and the ledger's lag is known all the same`() throws {
    let blind = try reading(nil)
    #expect(blind.rests == nil && blind.latencies == nil && blind.waits == nil)
    #expect(blind.ledgerLag == .init(limit: .seconds(30), found: .seconds(1)))
    #expect(blind.deadLetters == 3 && blind.deadLetterLimit == 10)
    #expect(try reading(figures(), ages: nil).waits == nil)
  }
}
