package import Catalog
package import Contracts

/// Turns a job into a plan. Pure: policy, prices, entitlement and time come in as values.
package struct Planner: Sendable {
  package var policy: Policy
  package var prices: PriceBook

  package init(policy: Policy, prices: PriceBook) {
    self.policy = policy
    self.prices = prices
  }

  /// - Parameter lane: where the job was found; nil in the intake, which it always leaves for its tier's lane.
  package func plan(_ job: Job, foundIn lane: Lane?, entitlement: Entitlement?, now: Timestamp) -> Planned {
    let tier = policy.effectiveTier(assigned: entitlement?.tier, claimed: job.claimedTier)
    guard let lane, lane <= tier.lane else { return .move(to: tier.lane, tier: tier.code) }
    if let deadline = job.deadline, deadline <= now {
      return .end(.deadlineExceeded, "the deadline passed before the job could start", tier: tier.code)
    }
    if let time = job.notBefore, time > now { return .notYet(time) }
    let candidates = candidates(for: job, tier: tier, now: now)
    guard !candidates.isEmpty else { return .end(.noRoute, noRouteReason(job, tier), tier: tier.code) }
    return .plan(
      Plan(tier: tier, concurrency: entitlement?.concurrency ?? tier.concurrency, candidates: candidates))
  }

  private func candidates(for job: Job, tier: TierPolicy, now: Timestamp) -> [Plan.Candidate] {
    var found: [Plan.Candidate] = []
    for name in tier.providers[job.taskType] ?? [] {
      guard let provider = policy.providers[name] else { continue }
      for (model, version) in models(of: provider, for: job, tier: tier) {
        let price = prices.price(provider: name, model: model, at: now)
        guard price != nil || provider.isFreeByDefault else { continue }
        found.append(Plan.Candidate(provider: provider, model: model, version: version, price: price))
      }
    }
    return found
  }

  /// A pinned tier gets its pins, others the newest visible listing; a wish counts where that model is offered.
  private func models(
    of provider: ProviderDefinition, for job: Job, tier: TierPolicy
  ) -> [(model: String, version: String?)] {
    let pins = (tier.pinned[job.taskType] ?? []).filter { $0.provider == provider.name }
    let offered: [(model: String, version: String?)]
    if tier.routing == .pinned {
      offered = pins.map { ($0.model, $0.version) }
    } else {
      let visible = policy.models.filter { listing in
        listing.provider == provider.name && listing.task == job.taskType && listing.stage != .retired
          && (listing.stage != .beta || tier.showsBetaModels) && (listing.verified || tier.allowsUnverifiedModels)
      }
      offered = visible.map { ($0.model, $0.version) }
    }
    if let wish = job.model { return Array(offered.filter { $0.model == wish }.suffix(1)) }
    return tier.routing == .pinned ? offered : Array(offered.prefix(1))
  }

  private func noRouteReason(_ job: Job, _ tier: TierPolicy) -> String {
    guard let names = tier.providers[job.taskType], !names.isEmpty else {
      return "tier \(tier.code) has no provider for \(job.taskType.rawValue)"
    }
    if tier.routing == .pinned, tier.pinned[job.taskType]?.isEmpty ?? true {
      return "tier \(tier.code) is pinned and has no pin for \(job.taskType.rawValue)"
    }
    if job.model != nil { return "no provider of tier \(tier.code) offers the wished model" }
    return "no provider of tier \(tier.code) has a visible and priced model for \(job.taskType.rawValue)"
  }
}
