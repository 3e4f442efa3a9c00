/// A model that a job was not given, and why: one line of its decision trail. Categories only.
package struct RouteSkip: Sendable, Hashable {
  package enum Reason: String, Sendable, CaseIterable {
    /// The tier's pin, or the version that it keeps to, says otherwise.
    case pin
    /// Beta, not verified, or retired, and the tier does not show it.
    case visibility
    /// On trial, and the user is not in its cohort.
    case canary
    /// Held by the emergency freeze.
    case freeze
    /// The job asks for another model.
    case wish
    /// Cannot do what the job asks for.
    case capability
    /// The job is longer than what it takes.
    case context
    /// Above the job's own bound, or without a price.
    case budget
    /// Rests after failures, or is held.
    case breaker
    /// This worker cannot speak to it.
    case unavailable
  }

  package var provider: String
  package var model: String
  package var version: String?
  package var reason: Reason

  package init(_ provider: String, _ model: String, version: String?, _ reason: Reason) {
    self.provider = provider
    self.model = model
    self.version = version
    self.reason = reason
  }
}

extension JSONWriter {
  /// `[{"provider": ..., "model": ..., "version": ..., "reason": ...}]`, of the first sixteen.
  package mutating func skips(_ skips: [RouteSkip]) {
    literal("[")
    for (index, skip) in skips.prefix(16).enumerated() {
      literal(index > 0 ? ",{" : "{")
      member("provider", skip.provider)
      member("model", skip.model)
      member("version", skip.version)
      member("reason", skip.reason.rawValue)
      literal("}")
    }
    literal("]")
  }
}

extension RouteSkip {
  /// Nil for an object that `JSONWriter.skips` did not write.
  package init?(reading value: JSONValue) {
    guard let provider = value["provider"]?.string, let model = value["model"]?.string,
      let reason = value["reason"]?.string.flatMap({ Reason(rawValue: $0) })
    else { return nil }
    self.init(provider, model, version: value["version"]?.string, reason)
  }
}
