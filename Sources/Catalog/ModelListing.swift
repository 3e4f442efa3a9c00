package import Contracts

/// One model that a provider serves for one task.
package struct ModelListing: Sendable, Hashable {
  package enum Stage: String, Sendable, CaseIterable { case stable, beta, retired }

  package var provider: String
  package var task: TaskType
  package var model: String
  package var version: String?
  package var stage: Stage
  package var verified: Bool
  /// Tokens of input and output together that it takes; nil where nobody said.
  package var contextTokens: Int?
  /// What the provider calls this version; nil where that is the model's name.
  package var id: String?

  package init(
    provider: String, task: TaskType, model: String, version: String?, stage: Stage, verified: Bool,
    contextTokens: Int? = nil, id: String? = nil
  ) {
    self.provider = provider
    self.task = task
    self.model = model
    self.version = version
    self.stage = stage
    self.verified = verified
    self.contextTokens = contextTokens
    self.id = id
  }
}

extension TierPolicy {
  /// Whether its users may get a model, as far as its stage and who looked at it go.
  package func shows(_ listing: ModelListing) -> Bool {
    (listing.stage != .beta || showsBetaModels) && (listing.verified || allowsUnverifiedModels)
  }
}

/// A listed version on trial: only users of its cohort in tiers with `canary: true` get it, everybody else goes on as if
/// it were not listed.
package struct Canary: Sendable, Hashable {
  /// Names the trial: another id draws another cohort.
  package var id: String
  package var provider: String
  package var task: TaskType
  package var model: String
  package var version: String
  /// Share of the users, 0 to 100.
  package var percent: Int

  package init(id: String, provider: String, task: TaskType, model: String, version: String, percent: Int) {
    self.id = id
    self.provider = provider
    self.task = task
    self.model = model
    self.version = version
    self.percent = percent
  }
}
