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
  }

  package let tier: TierPolicy
  /// Jobs of the user that may run at once.
  package let concurrency: Int
  /// Never empty.
  package let candidates: [Candidate]

  init(tier: TierPolicy, concurrency: Int, candidates: [Candidate]) {
    self.tier = tier
    self.concurrency = concurrency
    self.candidates = candidates
  }
}

/// What planning says of a job.
package enum Planned: Sendable {
  case plan(Plan)
  /// The tier's own lane is a lower one than the job came in.
  case move(to: Lane, tier: String)
  /// Not before this time.
  case notYet(Timestamp)
  case end(EndCode, String, tier: String)
}
