import Catalog
import Contracts
import Logging
import Synchronization

/// Says that attempts are booked at nothing because their model has no price, which happens only under
/// `unpriced: allow`. Once a minute for each model, with how many there were. Safe to share.
final class UnpricedWatch: Sendable {
  static let pause: Duration = .seconds(60)

  private struct Tally {
    var said: ContinuousClock.Instant
    var unsaid = 0
  }

  private let tallies = Mutex<[String: Tally]>([:])

  func note(_ event: CostEvent, of candidate: Plan.Candidate, at time: ContinuousClock.Instant, logger: Logger) {
    let isUnpriced = candidate.price == nil && !candidate.provider.isFreeByDefault
    guard isUnpriced, event.cost.basis != .provider, !event.usage.isEmpty else { return }
    let count: Int? = tallies.withLock { tallies in
      let name = "\(candidate.provider.name)/\(candidate.model)"
      guard var tally = tallies[name], time - tally.said < Self.pause else {
        let count = 1 + (tallies[name]?.unsaid ?? 0)
        tallies[name] = Tally(said: time)
        return count
      }
      tally.unsaid += 1
      tallies[name] = tally
      return nil
    }
    guard let count else { return }
    logger.error(
      "attempts are booked at 0 USD: their model has no price, and the policy allows that",
      metadata: [
        LogKey.provider: "\(candidate.provider.name)", LogKey.model: "\(candidate.model)", LogKey.count: "\(count)",
      ])
  }
}
