package import Redis

/// Admission could not be asked, or answered something that is no answer. The state is unchanged or, when
/// `isOutcomeUnknown`, to be asked again: every script may be repeated.
package struct AdmissionError: Error, Sendable, CustomStringConvertible {
  package var redis: RedisError?
  package var description: String

  init(_ error: RedisError) {
    redis = error
    description = error.description
  }

  init(script: String, reply: RedisValue) {
    redis = reply.serverError
    description = redis.map { "\(script): \($0)" } ?? "Bug: \(script) answered in an unknown form"
  }

  /// How long to wait before asking again, if Redis says so.
  package var retryAfter: Duration? { redis?.retryAfter }

  /// Whether somebody has to change a setting or the program before it can work.
  package var isPermanent: Bool { redis?.disposition == .permanent }
}
