package import Contracts

/// The fleet at one moment as the rules of conditions look at it, with what was promised. What could not be read is nil,
/// and nothing follows from it.
package struct FleetReading: Sendable {
  /// A provider, or a model of one, that does not serve.
  package struct Rest: Sendable, Hashable {
    package enum Reason: Sendable {
      case failures, rate, account, funds, gone
      /// Somebody took it out: what was the matter before is so until it serves again.
      case hand
    }

    package var reason: Reason
    /// Since it stopped serving.
    package var length: Duration

    package init(_ reason: Reason, length: Duration) {
      self.reason = reason
      self.length = length
    }
  }

  package struct Bound: Sendable, Hashable {
    package var limit: Duration
    package var found: Duration

    package init(limit: Duration, found: Duration) {
      self.limit = limit
      self.found = found
    }
  }

  /// By scope.
  package var rests: [String: Rest]?
  /// What 95 of 100 calls took at most; without providers that were called too seldom to say.
  package var latencies: [String: Bound]?
  /// Lanes with a promise: how long their jobs wait for a slot.
  package var waits: [Lane: Bound]?
  /// Messages in `jobs.dead`.
  package var deadLetters: Int?
  /// New ones within five minutes that need nobody.
  package var deadLetterLimit: Int
  package var ledgerLag: Bound?
  /// Whether a cost event was quarantined within the last five minutes.
  package var hasQuarantined: Bool?
  /// For how long the broker has confirmed no message.
  package var brokerSilence: Duration?

  package init(
    rests: [String: Rest]? = nil, latencies: [String: Bound]? = nil, waits: [Lane: Bound]? = nil,
    deadLetters: Int? = nil, deadLetterLimit: Int = 10, ledgerLag: Bound? = nil,
    hasQuarantined: Bool? = nil, brokerSilence: Duration? = nil
  ) {
    self.rests = rests
    self.latencies = latencies
    self.waits = waits
    self.deadLetters = deadLetters
    self.deadLetterLimit = deadLetterLimit
    self.ledgerLag = ledgerLag
    self.hasQuarantined = hasQuarantined
    self.brokerSilence = brokerSilence
  }
}
