package import Contracts

/// The policy file as values: what each tier may do, which providers exist, which models they serve. Immutable; a
/// changed file makes a new one. Source: CONTRACT "Policy file" (`docs/policy.md`).
package struct Policy: Sendable, Hashable {
  /// The tier of a user without any: the most restrictive one unless the file says otherwise.
  package var defaultTier: String
  /// Whether the `userTier` of a message counts where no tier is assigned.
  package var trustsMessageTier: Bool
  /// Other names of tiers: `tier1` is `FREE`.
  package var aliases: [String: String]
  /// By code.
  package var tiers: [String: TierPolicy]
  /// By name.
  package var providers: [String: ProviderDefinition]
  package var models: [ModelListing]
  /// Versions on trial.
  package var canaries: [Canary]
  /// Hosts, besides loopback, to which plain `http://` may be spoken.
  package var plainHTTPHosts: Set<String>
  /// Of which administrators are told; nothing is held back by them.
  package var budgets = Budgets()
  package var notify = NotifyAdmin()
  /// Whether models without a price may be used at providers that are not free. Their attempts are booked at nothing.
  package var allowsUnpriced = false

  package init(
    defaultTier: String, trustsMessageTier: Bool, aliases: [String: String], tiers: [String: TierPolicy],
    providers: [String: ProviderDefinition], models: [ModelListing], canaries: [Canary] = [],
    plainHTTPHosts: Set<String>
  ) {
    self.defaultTier = defaultTier
    self.trustsMessageTier = trustsMessageTier
    self.aliases = aliases
    self.tiers = tiers
    self.providers = providers
    self.models = models
    self.canaries = canaries
    self.plainHTTPHosts = plainHTTPHosts
  }

  /// Within which 95 of 100 jobs of a lane shall start: the strictest service level of its tiers.
  package func waitTarget(of lane: Lane) -> Duration? {
    tiers.values.filter { $0.lane == lane }.compactMap(\.serviceLevel).min()
  }

  /// The tier of a code or an alias; nil for unknown names.
  package func tier(named name: String) -> TierPolicy? { tiers[aliases[name] ?? name] }

  /// The tier that judges a job: the assigned one, else the claimed one if messages are trusted, else the default.
  /// Names that the file does not know count as absent, so that a typo never raises a limit.
  package func effectiveTier(assigned: String?, claimed: String?) -> TierPolicy {
    if let assigned, let tier = tier(named: assigned) { return tier }
    if trustsMessageTier, let claimed, let tier = tier(named: claimed) { return tier }
    guard let tier = tiers[defaultTier] else { fatalError("Bug: a policy without its default tier was accepted") }
    return tier
  }
}

/// What a tier grants. Nil limits are unlimited.
package struct TierPolicy: Sendable, Hashable {
  package enum Routing: String, Sendable, CaseIterable {
    case latest
    case allowMinor = "allow_minor"
    case pinned
  }

  /// Exactly this version of this model at this provider.
  package struct Pin: Sendable, Hashable {
    package var provider: String
    package var model: String
    package var version: String?

    package init(provider: String, model: String, version: String?) {
      self.provider = provider
      self.model = model
      self.version = version
    }
  }

  package struct CostCap: Sendable, Hashable {
    package var monthly: Money
    /// True blocks at the cap; false lets through and alerts.
    package var isHard: Bool

    package init(monthly: Money, isHard: Bool) {
      self.monthly = monthly
      self.isHard = isHard
    }
  }

  /// Stands for a limit that was omitted: more than any fleet runs.
  package static let unlimitedConcurrency = 1_000_000

  package var code: String
  package var lane: Lane
  package var batchSize: Int
  package var routing: Routing
  package var canary: Bool
  package var pinned: [TaskType: [Pin]]
  /// Names of providers in the order to try.
  package var providers: [TaskType: [String]]
  package var monthly: MonthlyQuotas
  /// Jobs of one user that may run at once.
  package var concurrency: Int
  package var rate: RateLimit?
  package var costCap: CostCap?
  package var showsBetaModels: Bool
  package var allowsUnverifiedModels: Bool
  /// Within which 95 of 100 jobs of the tier shall start that wait for nothing but a slot; nil for no promise.
  package var serviceLevel: Duration?

  package init(
    code: String, lane: Lane, batchSize: Int, routing: Routing, canary: Bool, pinned: [TaskType: [Pin]],
    providers: [TaskType: [String]], monthly: MonthlyQuotas, concurrency: Int, rate: RateLimit?, costCap: CostCap?,
    showsBetaModels: Bool, allowsUnverifiedModels: Bool
  ) {
    self.code = code
    self.lane = lane
    self.batchSize = batchSize
    self.routing = routing
    self.canary = canary
    self.pinned = pinned
    self.providers = providers
    self.monthly = monthly
    self.concurrency = concurrency
    self.rate = rate
    self.costCap = costCap
    self.showsBetaModels = showsBetaModels
    self.allowsUnverifiedModels = allowsUnverifiedModels
  }
}
