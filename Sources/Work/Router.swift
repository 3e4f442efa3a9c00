import Catalog
import Contracts

/// Which models of which providers a policy offers a job, in the order to try them, and why others were passed over.
/// Made once for a policy and shared. Pure.
final class Router: Sendable {
  /// One version of one model at one provider.
  struct Choice: Sendable, Hashable {
    var provider: ProviderDefinition
    var model: String
    var version: String?
    /// What the provider calls it.
    var id: String
    var contextTokens: Int?
  }

  private struct Shelf: Hashable {
    var provider: String
    var task: TaskType
  }

  private let policy: Policy
  /// Listings in the order of the file.
  private let listings: [Shelf: [ModelListing]]
  private let trials: [Shelf: [Canary]]
  /// While a freeze lasts: what the file lists and the freeze does not let through.
  private let frozenOut: [Shelf: [ModelListing]]

  /// - Parameter unfrozen: the policy as its file stands, while a freeze holds `policy` back.
  init(policy: Policy, unfrozen: Policy? = nil) {
    self.policy = policy
    listings = Self.shelves(policy.models)
    trials = Dictionary(grouping: policy.canaries) { Shelf(provider: $0.provider, task: $0.task) }
    frozenOut = Self.shelves(unfrozen?.models.filter { !policy.models.contains($0) } ?? [])
  }

  private static func shelves(_ models: [ModelListing]) -> [Shelf: [ModelListing]] {
    Dictionary(grouping: models) { Shelf(provider: $0.provider, task: $0.task) }
  }

  /// - Parameters:
  ///   - tier: the effective rules of the user.
  ///   - skips: gets a line for each model that was passed over.
  func choices(for job: Job, _ tier: TierPolicy, _ skips: inout [RouteSkip]) -> [Choice] {
    var choices: [Choice] = []
    for name in tier.providers[job.taskType] ?? [] {
      guard let provider = policy.providers[name] else { continue }
      let shelf = Shelf(provider: name, task: job.taskType)
      for frozen in frozenOut[shelf] ?? [] { skips.append(RouteSkip(frozen, .freeze)) }
      if tier.routing == .pinned {
        choices += pinned(provider, shelf, job, tier, &skips)
      } else if let choice = current(provider, shelf, job, tier, &skips) {
        choices.append(choice)
      }
    }
    return choices
  }

  /// The tier's pins at the provider, which neither order nor newer versions move.
  private func pinned(
    _ provider: ProviderDefinition, _ shelf: Shelf, _ job: Job, _ tier: TierPolicy, _ skips: inout [RouteSkip]
  ) -> [Choice] {
    let listed = listings[shelf] ?? []
    var choices: [Choice] = []
    for pin in tier.pinned[job.taskType] ?? [] where pin.provider == provider.name {
      let onTrial = trials[shelf] ?? []
      let listing = listed.first { listing in
        listing.model == pin.model && (pin.version ?? listing.version) == listing.version
          && (pin.version != nil || !onTrial.contains { $0.puts(listing) })
      }
      let version = pin.version ?? listing?.version
      // Listed, but not in the version that was pinned: whatever the bare name means there, it is not that.
      let isGone = listing == nil && pin.version != nil && listed.contains { $0.model == pin.model }
      if let wish = job.model, wish != pin.model {
        skips.append(RouteSkip(provider.name, pin.model, version: version, .wish))
      } else if isGone {
        skips.append(RouteSkip(provider.name, pin.model, version: version, .pin))
      } else if let listing, !tier.shows(listing) {
        skips.append(RouteSkip(listing, .visibility))
      } else {
        choices.append(Choice(provider, listing, model: pin.model, version: version))
      }
    }
    for listing in listed {
      let isAnother = choices.contains { $0.model == listing.model && $0.version != listing.version }
      if isAnother, !choices.contains(where: { $0.isOf(listing) }) { skips.append(RouteSkip(listing, .pin)) }
    }
    return choices
  }

  /// The version that a tier without pins, or one that allows minor versions, gets of the provider's usual model: the
  /// wished one, else the pinned one, else the first that it may see.
  private func current(
    _ provider: ProviderDefinition, _ shelf: Shelf, _ job: Job, _ tier: TierPolicy, _ skips: inout [RouteSkip]
  ) -> Choice? {
    let listed = listings[shelf] ?? []
    let onTrial = trials[shelf] ?? []
    let pin = (tier.pinned[job.taskType] ?? []).first { $0.provider == provider.name }
    let visible = listed.filter { listing in
      if listing.stage != .retired, tier.shows(listing) { return true }
      skips.append(RouteSkip(listing, .visibility))
      return false
    }
    let settled = visible.filter { listing in !onTrial.contains { $0.puts(listing) } }
    let model = job.model ?? pin?.model ?? settled.first?.model ?? visible.first?.model
    guard let model, visible.contains(where: { $0.model == model }) else {
      for listing in visible { skips.append(RouteSkip(listing, job.model == nil ? .pin : .wish)) }
      return nil
    }
    let versions = settled.filter { $0.model == model }
    let anchor = pin.flatMap { $0.model == model ? $0.version : nil } ?? versions.first?.version
    let order = VersionOrder(versions)
    var chosen = tier.routing == .latest ? order.newest : order.newest(minorOf: anchor)
    let trial = onTrial.first { trial in
      trial.model == model && tier.canary && trial.includes(job.userID)
        && visible.contains(where: trial.puts)
        // A trial does not carry a tier that allows minor versions over to another major one.
        && (tier.routing != .allowMinor || VersionOrder.isMinor(trial.version, of: anchor))
    }
    if let trial { chosen = visible.first { trial.puts($0) } }
    for listing in visible where listing != chosen && listing.model == model {
      let isOnTrial = trial != nil || onTrial.contains { $0.puts(listing) }
      skips.append(RouteSkip(listing, isOnTrial ? .canary : .pin))
    }
    return chosen.map { Choice(provider, $0, model: $0.model, version: $0.version) }
  }
}

extension Router.Choice {
  fileprivate init(_ provider: ProviderDefinition, _ listing: ModelListing?, model: String, version: String?) {
    self.init(
      provider: provider, model: model, version: version, id: listing?.id ?? model,
      contextTokens: listing?.contextTokens)
  }

  fileprivate func isOf(_ listing: ModelListing) -> Bool { model == listing.model && version == listing.version }
}

extension RouteSkip {
  init(_ listing: ModelListing, _ reason: Reason) {
    self.init(listing.provider, listing.model, version: listing.version, reason)
  }

}

extension Canary {
  fileprivate func puts(_ listing: ModelListing) -> Bool {
    provider == listing.provider && task == listing.task && model == listing.model && version == listing.version
  }

  /// Whether a user is on this side of the trial: always the same answer for the same user, model and trial, in every
  /// worker, and those of a smaller share stay in when it grows. FNV-1a with a final mix, because its low bits alone
  /// follow the last characters.
  func includes(_ user: String) -> Bool {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for text in [user, model, id] {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ 0xFF) &* 0x100_0000_01B3
    }
    hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
    return (hash ^ hash >> 31) % 10_000 < UInt64(percent) * 100
  }
}
