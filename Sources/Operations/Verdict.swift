/// What is the matter with the fleet, in sentences: whether work flows, what holds it back and whose that is, what it is
/// not, what happens by itself, and one thing to do. Where work flows and is `ours` something else is to be looked at.
package struct Verdict: Sendable, Hashable, Encodable {
  package enum State: String, Sendable, Encodable, CaseIterable {
    case flowing, idle, slow, stopped
    /// What is known is too old, or nothing is known.
    case unknown
  }

  package enum Whose: String, Sendable, Encodable {
    case nobody
    /// The limits and wishes of users: the product at work.
    case theirs
    case ours
  }

  package var state: State
  package var headline: String
  package var whose: Whose
  package var because: [String] = []
  /// What it is not.
  package var excluded: [String] = []
  /// What happens by itself, and when the backlog is through.
  @OrNull package var next: String? = nil
  /// One command; nil when nothing has to be done.
  @OrNull package var act: String? = nil
  /// How to begin, where nothing ever ran; empty otherwise.
  package var commands: [String] = []

  package init(
    _ state: State, _ headline: String, whose: Whose = .nobody, because: [String] = [], excluded: [String] = [],
    next: String? = nil, act: String? = nil, commands: [String] = []
  ) {
    self.state = state
    self.headline = headline
    self.whose = whose
    self.because = because
    self.excluded = excluded
    self.next = next
    self.act = act
    self.commands = commands
  }

  /// Judges a sample; the same one is always judged the same way.
  /// - Parameter trend: of the minutes before, for how long the backlog takes.
  package init(of sample: FleetSample, trend: FleetTrend = FleetTrend()) {
    self = VerdictJudge(sample: sample, trend: trend).verdict
  }
}
