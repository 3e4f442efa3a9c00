package import Contracts

/// What the fleet, a tier and a provider are expected to cost in a calendar month, UTC. A budget holds nothing back:
/// administrators are told when a share of it is spent.
package struct Budgets: Sendable, Hashable {
  package var fleet: Money?
  /// By code.
  package var tiers: [String: Money]
  /// By name.
  package var providers: [String: Money]

  package init(fleet: Money? = nil, tiers: [String: Money] = [:], providers: [String: Money] = [:]) {
    self.fleet = fleet
    self.tiers = tiers
    self.providers = providers
  }
}
