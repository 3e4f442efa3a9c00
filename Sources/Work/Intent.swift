import Catalog
package import Contracts

/// What an attempt will be, written down before the provider is called. Whoever finds it without an end can say what
/// was probably bought, of whom, in which month.
package struct Intent: Sendable, Equatable {
  package var tier: String
  package var provider: String
  package var model: String
  package var version: String?
  /// When it was written, and thereby which prices hold.
  package var at: Timestamp

  /// The provider's own id of the attempt, where it works in the background.
  package var remoteTask: String?
  /// What was passed over before it.
  package var skipped: [RouteSkip] = []

  /// `[tier, provider, model, version, at]`, and where there is something to say of them, the remote task and the trail.
  func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 128)
    json.literal("[")
    json.string(tier)
    json.literal(",")
    json.string(provider)
    json.literal(",")
    json.string(model)
    json.literal(",")
    json.string(version)
    json.literal(",")
    json.integer(at.milliseconds)
    if remoteTask != nil || !skipped.isEmpty {
      json.literal(",")
      json.string(remoteTask)
      json.literal(",")
      json.skips(skipped)
    }
    json.literal("]")
    return json.bytes
  }

  init(tier: String, provider: String, model: String, version: String?, at time: Timestamp) {
    self.tier = tier
    self.provider = provider
    self.model = model
    self.version = version
    at = time
  }

  init(tier: String, candidate: Plan.Candidate, at time: Timestamp, skipped: [RouteSkip] = []) {
    self.init(
      tier: tier, provider: candidate.provider.name, model: candidate.model, version: candidate.version, at: time)
    self.skipped = skipped
  }

  /// Nil for bytes that `encoded` did not write.
  package init?(decoding bytes: [UInt8]) {
    let parts: [JSONValue]
    do { parts = try JSONParser.parse(bytes).root.elements } catch { return nil }
    guard parts.count == 5 || parts.count == 7, let tier = parts[0].string, let provider = parts[1].string,
      let model = parts[2].string, let at = parts[4].integer
    else { return nil }
    self.init(
      tier: tier, provider: provider, model: model, version: parts[3].string,
      at: Timestamp(milliseconds: Int64(at)))
    guard parts.count == 7 else { return }
    remoteTask = parts[5].string
    skipped = parts[6].elements.compactMap(RouteSkip.init)
  }
}
