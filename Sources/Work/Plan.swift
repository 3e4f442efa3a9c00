package import Admission
package import Catalog
package import Contracts

/// What would be done with a job if it were admitted: by which tier's rules, in which lane, with which candidates in
/// which order. A class, because it goes through every step and holds a whole tier's rules.
package final class Plan: Sendable {
  /// One model at one provider, to be tried in its turn.
  package struct Candidate: Sendable {
    package var provider: ProviderDefinition
    package var model: String
    package var version: String?
    /// Nil where models of the provider are free.
    package var price: Price?
    /// The most that one attempt can use; nil where nothing limits it.
    package var worst: Spending?
    /// What the provider calls the model.
    package var id: String
    package var contextTokens: Int?
    /// A breaker that rests and whose next probe is due: the attempt is made only if it may be that probe.
    package var probes: String?

    init(_ choice: Router.Choice, price: Price?) {
      provider = choice.provider
      model = choice.model
      version = choice.version
      id = choice.id
      contextTokens = choice.contextTokens
      self.price = price
    }

    func isWithin(_ bound: Money?) -> Bool {
      guard let bound, let worst else { return true }
      return worst.nanoUSD <= bound.nanoUSD
    }
  }

  /// The tier's rules with what was laid down for the user.
  package let tier: TierPolicy
  package let limits: AdmissionLimits
  /// Never empty.
  package let candidates: [Candidate]
  /// What was passed over, and why.
  package let skipped: [RouteSkip]

  init(tier: TierPolicy, limits: AdmissionLimits, candidates: [Candidate], skipped: [RouteSkip] = []) {
    self.tier = tier
    self.limits = limits
    self.candidates = candidates
    self.skipped = skipped
  }

  /// What admission reserves: in each figure that of the dearest candidate. Nil when neither money nor quota is limited.
  package var worst: Spending? {
    guard limits.isMetered else { return nil }
    return candidates.compactMap(\.worst).reduce(Spending()) { $0.largest(of: $1) }
  }
}

/// What planning says of a job.
package enum Planned: Sendable {
  case plan(Plan)
  /// The tier's own lane is a lower one than the job came in.
  case move(to: Lane, tier: String)
  /// Not before this time.
  case notYet(Timestamp)
  /// Jobs that it waits for have not succeeded yet; it looks again after this.
  case notReady(Duration)
  /// All that could take it rests; for this long at least.
  case resting(Duration, Plan)
  case end(ResultEvent.Fault, tier: String, passedOver: [RouteSkip] = [])
}
