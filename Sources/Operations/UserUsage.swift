package import Admission
package import Catalog
package import Contracts

/// What a user is granted and has used this month, as Redis has it, by which jobs are judged. Every member is always there.
package struct UserUsage: Sendable, Encodable {
  package let user: String
  /// That counts where a message claims none, and whether one may claim another.
  package let tier: String
  package let mayClaimTier: Bool
  package let lane: String
  package let limits: [UserLimit]
  /// `2026-11`, UTC.
  package let period: String
  /// What the ledger has.
  package let used: MonthStanding.Figures
  /// What running jobs may cost at worst, and what was spent and is not in the ledger yet.
  package let reserved: MonthStanding.Figures
  package let running: Int
  /// By lane, wherever they wait.
  package let waiting: [String: Int]

  package init(
    user: String, entitlement: Entitlement?, policy: Policy, period: String, base: Spending, open: Spending,
    presence: UserPresence
  ) {
    let tier = policy.effectiveTier(assigned: entitlement?.tier, claimed: nil)
    self.user = user
    self.tier = tier.code
    mayClaimTier = policy.trustsMessageTier && entitlement?.tier.flatMap { policy.tier(named: $0) } == nil
    lane = tier.lane.rawValue
    limits = UserLimit.all(of: tier, granting: entitlement)
    self.period = period
    used = MonthStanding.Figures(base)
    reserved = MonthStanding.Figures(open)
    running = presence.running
    waiting = Dictionary(uniqueKeysWithValues: presence.waiting.map { ($0.key.rawValue, $0.value) })
  }

  /// - Parameter entitlement: as the desk has it, read before.
  package static func read(
    _ user: String, entitlement: Entitlement?, _ policy: Policy, _ desk: AdmissionDesk
  ) async throws(AdmissionError) -> UserUsage {
    let now = try await desk.time()
    let (base, open) = try await desk.standing(of: user, period: now.chargePeriod)
    return UserUsage(
      user: user, entitlement: entitlement, policy: policy, period: now.chargePeriod, base: base, open: open,
      presence: try await desk.presence(of: user, at: now))
  }
}
