import Admission
import Billing
import Catalog
import Contracts

extension FleetReading {
  /// Fewer calls or starts within a minute say nothing of 95 of 100.
  static let fewest = 5

  /// - Parameters:
  ///   - figures: nil while Redis does not answer; so are queues while the broker does not.
  ///   - queueAges: how long messages lie in the lanes' queues.
  ///   - dead: messages in `jobs.dead`.
  init(
    _ figures: FleetFigures?, queueAges: [Lane: Duration]?, dead: Int?, ledgerLag: Duration, under policy: Policy
  ) {
    self.init(
      deadLetters: dead, deadLetterLimit: policy.notify.deadLetters,
      ledgerLag: Bound(limit: policy.notify.ledgerLag, found: ledgerLag))
    guard let figures else { return }
    rests = figures.rests(of: policy)
    latencies = figures.latencies(of: policy)
    if let queueAges { waits = figures.waits(queueAges, policy) }
  }
}

extension FleetFigures {
  /// Of providers that the policy has.
  fileprivate func rests(of policy: Policy) -> [String: FleetReading.Rest] {
    providers.filter { policy.providers[String($0.key.prefix { $0 != "/" })] != nil }.mapValues { state in
      FleetReading.Rest(
        .init(state.reason), length: .milliseconds(max(0, at.milliseconds - state.since.milliseconds)))
    }
  }

  fileprivate func latencies(of policy: Policy) -> [String: FleetReading.Bound] {
    guard let limit = policy.notify.providerLatency else { return [:] }
    var found: [String: FleetReading.Bound] = [:]
    for provider in policy.providers.keys {
      let calls = calls(provider)
      guard calls.count >= FleetReading.fewest, let slow = calls.percentile(95) else { continue }
      found[provider] = .init(limit: limit, found: slow)
    }
    return found
  }

  /// What those waited that started, or, where hardly any did, the one that has waited longest.
  fileprivate func waits(_ queueAges: [Lane: Duration], _ policy: Policy) -> [Lane: FleetReading.Bound] {
    var found: [Lane: FleetReading.Bound] = [:]
    for lane in Lane.allCases {
      guard let target = policy.waitTarget(of: lane) else { continue }
      let started = waits(lane)
      let known = started.count >= FleetReading.fewest ? started.percentile(95) : oldestRunnable(lane)
      found[lane] = .init(limit: target, found: max(known ?? .zero, queueAges[lane] ?? .zero))
    }
    return found
  }
}

extension FleetReading.Rest.Reason {
  init(_ reason: BreakerState.Reason) {
    self =
      switch reason {
      case .failures: .failures
      case .rate: .rate
      case .account: .account
      case .funds: .funds
      case .gone: .gone
      case .hand: .hand
      }
  }
}
