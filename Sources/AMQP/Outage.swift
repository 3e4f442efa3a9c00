import Logging

/// Says once that something is out of order and once that it is back, with the time between.
struct Outage {
  private var since: ContinuousClock.Instant?
  private var cause: AMQPError.Code?

  /// Later failures of the same outage are only for those who debug, except that one which needs a hand (say, a refused
  /// password after a restart) is said too.
  mutating func began(_ what: String, _ error: AMQPError, _ logger: Logger) {
    let isNews = since == nil || (error.disposition == .permanent && cause != error.code)
    logger.log(level: isNews ? .error : .debug, "\(what) out of order", metadata: ["error": "\(error)"])
    since = since ?? .now
    cause = error.code
  }

  mutating func ended(_ what: String, _ logger: Logger) {
    guard let began = since else { return }
    since = nil
    cause = nil
    let seconds = (ContinuousClock.now - began).components.seconds
    logger.notice("\(what) in order again", metadata: ["duration": "\(seconds) s"])
  }
}
