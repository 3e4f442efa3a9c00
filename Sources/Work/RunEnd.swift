import Admission
import Contracts
import Providers

/// What a run has done so far; changed by its own task only.
struct RunProgress: Sendable {
  var run: Run
  /// Nil for success.
  var fault: ResultEvent.Fault?
  var success: (candidate: Plan.Candidate, reply: ProviderReply)?
  /// Attempts made here, in order.
  var attempts: [ResultEvent.Attempt] = []
  /// Cost events of the attempts made here.
  var events: [CostEvent] = []
  /// Those of them that `finish` has yet to write.
  var unwritten: [CostEvent] = []
  /// What was passed over since the last attempt.
  var skipped: [RouteSkip]
  /// The probe of a breaker that the next attempt is.
  var probe: (scope: String, holder: String)?

  init(_ run: Run) {
    self.run = run
    skipped = run.plan.skipped
  }

  /// The last attempt's end as `advance` takes it; nil if it never reached a provider.
  var lastEnd: AttemptCost? {
    unwritten.last.map { AttemptCost(attempt: $0.attempt, event: $0.encoded(), spent: run.spent($0)) }
  }

  /// Whether the attempt that Redis granted last was not made yet.
  var isUnmade: Bool { attempts.last?.number != run.lease.attempt }

  mutating func takeSkipped() -> [RouteSkip] {
    defer { skipped = [] }
    return skipped
  }
}

/// How a run ended in this worker, before it is written down. A class: from here on it only goes from hand to hand.
final class RunEnd: Sendable {
  let run: Run
  let fault: ResultEvent.Fault?
  let success: (candidate: Plan.Candidate, reply: ProviderReply)?
  let attempts: [ResultEvent.Attempt]
  let events: [CostEvent]
  let unwritten: [CostEvent]
  /// What was passed over behind the last attempt.
  let skipped: [RouteSkip]

  init(_ progress: RunProgress) {
    run = progress.run
    fault = progress.fault
    success = progress.success
    attempts = progress.attempts
    events = progress.events
    unwritten = progress.unwritten
    skipped = progress.skipped
  }

  /// Of all attempts made here together.
  var milliseconds: Int64 { attempts.reduce(0) { $0 + $1.milliseconds } }
}
