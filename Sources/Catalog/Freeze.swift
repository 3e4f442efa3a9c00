package import Contracts

/// An emergency freeze: the versions that were approved when somebody froze the fleet, and each tier's pins. While it
/// lasts they stand in the place of what the policy file lists, and nothing is on trial. Immutable; made once, kept in the
/// ledger's database and copied to Redis in the form of `encoded()`.
package struct Freeze: Sendable, Hashable {
  /// Unlike any other freeze's, and never `off`.
  package let id: String
  package let since: Timestamp
  /// Who did it and why, in their own words.
  package let by: String
  package let reason: String
  /// What was approved, in the order of the file. Behind it, and as retired ones, what was on trial and is pinned by its
  /// version: only pins reach what is retired.
  package let models: [ModelListing]
  /// By tier; a tier without pins has an entry, too.
  package let pins: [String: [TaskType: [TierPolicy.Pin]]]

  package init(
    id: String, since: Timestamp, by: String, reason: String, models: [ModelListing],
    pins: [String: [TaskType: [TierPolicy.Pin]]]
  ) {
    self.id = id
    self.since = since
    self.by = by
    self.reason = reason
    self.models = models
    self.pins = pins
  }

  /// Holds what a policy approves of: the listings that are neither retired nor on trial, and what pinned tiers are
  /// pinned to, whatever it is.
  package init(of policy: Policy, id: String, since: Timestamp, by: String, reason: String) {
    var pins: [String: [TaskType: [TierPolicy.Pin]]] = [:]
    var pinned: Set<ModelListing> = []
    for tier in policy.tiers.values {
      pins[tier.code] = tier.pinned
      guard tier.routing == .pinned else { continue }
      for (task, list) in tier.pinned {
        pins[tier.code]?[task] = list.compactMap { pin in
          guard let listing = policy.listing(of: pin, for: task) else {
            // A version that a listed model no longer has leads nowhere, and does not begin to.
            return pin.version != nil && policy.models.contains { $0.fits(pin, for: task) } ? nil : pin
          }
          guard tier.shows(listing) else { return nil }
          pinned.insert(listing)
          return TierPolicy.Pin(provider: pin.provider, model: pin.model, version: listing.version)
        }
      }
    }
    let settled = policy.models.filter { listing in
      !policy.isOnTrial(listing) && (listing.stage != .retired || pinned.contains(listing))
    }
    let onTrial = policy.models.filter { policy.isOnTrial($0) && pinned.contains($0) }.map { listing in
      var listing = listing
      listing.stage = .retired
      return listing
    }
    self.init(id: id, since: since, by: by, reason: reason, models: settled + onTrial, pins: pins)
  }

  /// What is in force while the freeze lasts: models and pins as they were held, no trials; limits, order of providers
  /// and providers as the policy has them. What was held at a provider that is gone is left out, and a tier that is new
  /// keeps those of its pins that name a held version.
  package func freezing(_ policy: Policy) -> Policy {
    var frozen = policy
    frozen.models = models.filter { policy.providers[$0.provider] != nil }
    frozen.canaries = []
    for (code, tier) in policy.tiers {
      let held = pins[code]
      frozen.tiers[code]?.pinned = (held ?? tier.pinned).reduce(into: [:]) { tasks, entry in
        tasks[entry.key] = entry.value.filter { pin in
          policy.providers[pin.provider] != nil
            && (held != nil || models.contains { $0.fits(pin, for: entry.key) && $0.version == pin.version })
        }
      }
    }
    return frozen
  }
}

extension Policy {
  fileprivate func isOnTrial(_ listing: ModelListing) -> Bool {
    canaries.contains { trial in
      trial.provider == listing.provider && trial.task == listing.task && trial.model == listing.model
        && trial.version == listing.version
    }
  }

  /// What a pin leads to: a pin without a version, to the first version that is not on trial. Nil if nothing is listed.
  fileprivate func listing(of pin: TierPolicy.Pin, for task: TaskType) -> ModelListing? {
    models.first { listing in
      listing.fits(pin, for: task) && (pin.version.map { $0 == listing.version } ?? !isOnTrial(listing))
    }
  }
}

extension ModelListing {
  /// Whatever its version.
  fileprivate func fits(_ pin: TierPolicy.Pin, for task: TaskType) -> Bool {
    provider == pin.provider && model == pin.model && self.task == task
  }
}
