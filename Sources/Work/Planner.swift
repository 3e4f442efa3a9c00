import Admission
package import Catalog
package import Contracts

/// Turns a job into a plan. Pure: policy, prices, entitlement and time come in as values.
package struct Planner: Sendable {
  package var policy: Policy
  package var prices: PriceBook
  /// Names the policy in force; equal for equal files, in every worker.
  package var stamp: String

  package init(policy: Policy, prices: PriceBook, stamp: String = "") {
    self.policy = policy
    self.prices = prices
    self.stamp = stamp
  }

  /// - Parameter lane: where the job was found; nil in the intake, which it always leaves for its tier's lane.
  package func plan(_ job: Job, foundIn lane: Lane?, entitlement: Entitlement?, now: Timestamp) -> Planned {
    let tier = tier(of: job, entitlement)
    guard let lane, lane <= tier.lane else { return .move(to: tier.lane, tier: tier.code) }
    if let deadline = job.deadline, deadline <= now {
      return .end(.init(.deadlineExceeded, "the deadline passed before the job could start"), tier: tier.code)
    }
    if let time = job.notBefore, time > now { return .notYet(time) }
    let limits = AdmissionLimits(of: tier)
    let candidates = candidates(for: job, tier: tier, isMetered: limits.isMetered, now: now)
    guard !candidates.isEmpty else { return .end(.init(.noRoute, noRouteReason(job, tier)), tier: tier.code) }
    let affordable = candidates.filter { $0.isWithin(job.maximumCost) }
    guard !affordable.isEmpty else {
      let least = candidates.compactMap(\.worst?.nanoUSD).min() ?? 0
      let message = "the worst case of \(Money(nanoUSD: least)) USD is above the job's maxCostUsd"
      return .end(.init(.costCapReached, message, isOwnBound: true), tier: tier.code)
    }
    return .plan(Plan(tier: tier, limits: limits, candidates: affordable))
  }

  /// The tier that judges a job, with what was laid down for its user.
  package func tier(of job: Job, _ entitlement: Entitlement?) -> TierPolicy {
    policy.effectiveTier(assigned: entitlement?.tier, claimed: job.claimedTier).granting(entitlement)
  }

  private func candidates(
    for job: Job, tier: TierPolicy, isMetered: Bool, now: Timestamp
  ) -> [Plan.Candidate] {
    var found: [Plan.Candidate] = []
    for name in tier.providers[job.taskType] ?? [] {
      guard let provider = policy.providers[name] else { continue }
      for (model, version) in models(of: provider, for: job, tier: tier) {
        let price = prices.price(provider: name, model: model, at: now)
        guard price != nil || provider.isFreeByDefault else { continue }
        var candidate = Plan.Candidate(provider: provider, model: model, version: version, price: price)
        if isMetered || job.maximumCost != nil {
          let worst = WorstCase(of: job.payload, task: job.taskType, price: price)
          candidate.worst = Spending(worst.cost, worst.usage, jobs: 1)
        }
        found.append(candidate)
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

extension AdmissionLimits {
  /// A soft cap does not stand against anything: billing tells people when it is crossed.
  init(of tier: TierPolicy) {
    self.init()
    perMinute = tier.rate?.perMinute
    perSecond = tier.rate?.perSecond
    burst = tier.rate?.burst
    monthlyCap = tier.costCap.flatMap { $0.isHard ? $0.monthly : nil }
    tokens = tier.monthly.tokens
    audioSeconds = tier.monthly.audioSeconds
    videoMinutes = tier.monthly.videoMinutes
    jobs = tier.monthly.jobs
  }
}
