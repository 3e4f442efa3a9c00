package import Admission
import Catalog
package import Contracts

/// How the providers stood when a wave was planned. Of a provider that rests and whose next probe is due, one job of the
/// wave gets the probe; for the others it rests.
package struct BreakerView: Sendable {
  /// Those that do not serve, by scope: a provider's name, or `provider/model`.
  private let states: [String: BreakerState]
  /// By the clock that the states were written with.
  private let now: Timestamp
  private var givenOut: Set<String> = []

  package init(_ states: [String: BreakerState] = [:], now: Timestamp = Timestamp(milliseconds: 0)) {
    self.states = states
    self.now = now
  }

  /// A hand-over waits at most this long for a provider that was taken out by hand.
  static let longest = Duration.seconds(16)

  /// The candidates that may be tried, in their order; of one whose probe is due the scope is noted in it.
  mutating func serving(_ candidates: [Plan.Candidate], _ skipped: inout [RouteSkip]) -> [Plan.Candidate] {
    guard !states.isEmpty else { return candidates }
    return candidates.compactMap { candidate in
      guard let state = resting(candidate) else { return candidate }
      guard isDue(state), givenOut.insert(state.scope).inserted else {
        skipped.append(RouteSkip(candidate, .breaker))
        return nil
      }
      var candidate = candidate
      candidate.probes = state.scope
      return candidate
    }
  }

  /// How long until the first of them may be probed.
  func rest(of candidates: [Plan.Candidate]) -> Duration {
    let instants = candidates.compactMap(resting).filter { $0.reason != .hand }.map(\.retryAt.milliseconds)
    guard let first = instants.min() else { return Self.longest }
    return min(Self.longest, max(.milliseconds(200), .milliseconds(first - now.milliseconds)))
  }

  private func resting(_ candidate: Plan.Candidate) -> BreakerState? {
    states[candidate.provider.name] ?? states[candidate.modelScope]
  }

  private func isDue(_ state: BreakerState) -> Bool {
    state.reason != .hand && !state.isProbed && state.retryAt <= now
  }
}

extension Plan.Candidate {
  /// Of the breaker that opens when a provider no longer has the model: by what it calls this version, so that one on
  /// trial does not take the others out.
  var modelScope: String { "\(provider.name)/\(id)" }
}
