import Admission
package import Catalog
package import Contracts
import Providers

/// Turns a job into a plan. Pure: policy, prices, entitlement, breakers and time come in as values.
package struct Planner: Sendable {
  /// In force: as its file says, or as a freeze holds it.
  package private(set) var policy: Policy
  package var prices: PriceBook
  /// Names the policy in force; equal for equal files, in every worker.
  package private(set) var stamp: String
  private var router: Router

  package init(policy: Policy, prices: PriceBook, stamp: String = "") {
    self.policy = policy
    self.prices = prices
    self.stamp = stamp
    router = Router(policy: policy)
  }

  /// The same prices under another policy.
  package func adopting(_ policy: Policy, stamp: String) -> Planner {
    Planner(policy: policy, prices: prices, stamp: stamp)
  }

  /// The same rules with the versions that a freeze approved. Its own stamp makes waiting jobs be judged anew.
  func frozen(by freeze: Freeze) -> Planner {
    let held = freeze.freezing(policy)
    var planner = Planner(policy: held, prices: prices, stamp: "\(stamp)*\(freeze.id)")
    planner.router = Router(policy: held, unfrozen: policy)
    return planner
  }

  /// - Parameters:
  ///   - lane: where the job was found; nil in the intake, which it always leaves for its tier's lane.
  ///   - view: of the providers' breakers; takes note of the probes that this plan would make.
  package func plan(
    _ job: Job, foundIn lane: Lane?, entitlement: Entitlement?, now: Timestamp, view: inout BreakerView
  ) -> Planned {
    let tier = tier(of: job, entitlement)
    guard let lane, lane <= tier.lane else { return .move(to: tier.lane, tier: tier.code) }
    if let deadline = job.deadline, deadline <= now {
      return .end(.init(.deadlineExceeded, "the deadline passed before the job could start"), tier: tier.code)
    }
    if let time = job.notBefore, time > now { return .notYet(time) }
    let limits = AdmissionLimits(of: tier)
    var skipped: [RouteSkip] = []
    let candidates = candidates(for: job, tier: tier, isMetered: limits.isMetered, now: now, &skipped)
    guard !candidates.isEmpty else {
      let fault = ResultEvent.Fault(.noRoute, noRouteReason(job, tier, skipped) + Self.words(skipped))
      return .end(fault, tier: tier.code, passedOver: skipped)
    }
    let affordable = candidates.filter { candidate in
      if candidate.isWithin(job.maximumCost) { return true }
      skipped.append(RouteSkip(candidate, .budget))
      return false
    }
    guard !affordable.isEmpty else {
      let least = candidates.compactMap(\.worst?.nanoUSD).min() ?? 0
      let message = "the worst case of \(Money(nanoUSD: least)) USD is above the job's maxCostUsd"
      return .end(.init(.costCapReached, message, isOwnBound: true), tier: tier.code, passedOver: skipped)
    }
    let serving = view.serving(affordable, &skipped)
    guard !serving.isEmpty else {
      return .resting(
        view.rest(of: affordable), Plan(tier: tier, limits: limits, candidates: affordable, skipped: skipped))
    }
    return .plan(Plan(tier: tier, limits: limits, candidates: serving, skipped: skipped))
  }

  /// The tier that judges a job, with what was laid down for its user.
  package func tier(of job: Job, _ entitlement: Entitlement?) -> TierPolicy {
    policy.effectiveTier(assigned: entitlement?.tier, claimed: job.claimedTier).granting(entitlement)
  }

  private func candidates(
    for job: Job, tier: TierPolicy, isMetered: Bool, now: Timestamp, _ skipped: inout [RouteSkip]
  ) -> [Plan.Candidate] {
    var found: [Plan.Candidate] = []
    for choice in router.choices(for: job, tier, &skipped) {
      let price = prices.price(provider: choice.provider.name, model: choice.model, at: now)
      var candidate = Plan.Candidate(choice, price: price)
      if Capability.refusal(of: choice.provider.kind, model: choice.id, for: job) != nil {
        skipped.append(RouteSkip(candidate, .capability))
        continue
      }
      guard price != nil || choice.provider.isFreeByDefault || policy.allowsUnpriced else {
        skipped.append(RouteSkip(candidate, .budget))
        continue
      }
      if isMetered || job.maximumCost != nil {
        let worst = WorstCase(of: job.payload, task: job.taskType, price: price)
        candidate.worst = Spending(worst.cost, worst.usage, jobs: 1)
      }
      found.append(candidate)
    }
    return found
  }

  /// `; passed over: openai/gpt-x (visibility), ...`, of the first five.
  private static func words(_ skipped: [RouteSkip]) -> String {
    guard !skipped.isEmpty else { return "" }
    let first = skipped.prefix(5).map { "\($0.provider)/\($0.model) (\($0.reason.rawValue))" }
    return "; passed over: " + first.joined(separator: ", ") + (skipped.count > 5 ? ", ..." : "")
  }

  private func noRouteReason(_ job: Job, _ tier: TierPolicy, _ skipped: [RouteSkip]) -> String {
    guard let names = tier.providers[job.taskType], !names.isEmpty else {
      return "tier \(tier.code) has no provider for \(job.taskType.rawValue)"
    }
    if tier.routing == .pinned, tier.pinned[job.taskType]?.isEmpty ?? true {
      return "tier \(tier.code) is pinned and has no pin for \(job.taskType.rawValue)"
    }
    if skipped.contains(where: { $0.reason == .capability }) {
      return "no provider of tier \(tier.code) can do what the job asks for"
    }
    if job.model != nil { return "no provider of tier \(tier.code) offers the wished model" }
    return "no provider of tier \(tier.code) has a visible and priced model for \(job.taskType.rawValue)"
  }
}

extension RouteSkip {
  init(_ candidate: Plan.Candidate, _ reason: Reason) {
    self.init(candidate.provider.name, candidate.model, version: candidate.version, reason)
  }
}
