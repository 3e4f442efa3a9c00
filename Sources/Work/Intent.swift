import Catalog
import Contracts

/// What an attempt will be, written down before the provider is called. Whoever finds it without an end can say what
/// was probably bought, of whom, in which month.
struct Intent: Sendable, Equatable {
  var tier: String
  var provider: String
  var model: String
  var version: String?
  /// When it was written, and thereby which prices hold.
  var at: Timestamp

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

  init(tier: String, candidate: Plan.Candidate, at time: Timestamp) {
    self.tier = tier
    provider = candidate.provider.name
    model = candidate.model
    version = candidate.version
    at = time
  }

  /// Nil for bytes that `encoded` did not write.
  init?(decoding bytes: [UInt8]) {
    let parts: [JSONValue]
    do { parts = try JSONParser.parse(bytes).root.elements } catch { return nil }
    guard parts.count == 5, let tier = parts[0].string, let provider = parts[1].string, let model = parts[2].string,
      let at = parts[4].integer
    else { return nil }
    self.tier = tier
    self.provider = provider
    self.model = model
    version = parts[3].string
    self.at = Timestamp(milliseconds: Int64(at))
  }
}
