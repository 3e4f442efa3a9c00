import Admission
import Catalog
import Contracts
import Providers

// A run that stops between two attempts or before its time, and an attempt that goes on at its provider.

extension PlanRunner {
  /// A job whose attempts run out lets others find out first whether a provider is back.
  static func yielding(_ run: Run) -> Duration { .seconds(4 * max(0, run.lease.attempt - 3)) }

  /// The end of a run that somebody wanted ended. Nil for one that had succeeded by then, and for one that gave its lease
  /// back already: who asks for the job next ends it.
  func stopped(_ progress: inout RunProgress, _ step: Step, _ note: String) -> RunEnd? {
    if case .suspended = step { return nil }
    guard progress.success == nil else { return nil }
    progress.fault = .cancelled(note)
    return RunEnd(progress)
  }

  /// Lease and money go back, the last attempt's cost is written down. Nil when that is done.
  func giveBack(_ progress: inout RunProgress) async -> Leaving? {
    let run = progress.run
    let ended = progress.lastEnd
    let reply = await Patience(logger: logger).ask("a pause waits for Redis") { () async throws(AdmissionError) in
      try await desk.pause(run.lease, ended: ended, isMade: !progress.isUnmade)
    }
    switch reply {
    case nil: return .abandoned
    case .refused: return nil
    case .advanced, .lost:
      progress.fault = ResultEvent.Fault(.providerFailed, "the run was taken over by another worker")
      return .ended(RunEnd(progress))
    }
  }

  /// The attempt that was granted is made with another candidate than was planned. Nil when its intent says so.
  func rewrite(_ progress: inout RunProgress, for candidate: Plan.Candidate) async -> Step? {
    let run = progress.run
    let intent = Intent(tier: run.plan.tier.code, candidate: candidate, at: run.startedAt, skipped: progress.skipped)
    let lease = run.lease.noting(intent: intent.encoded())
    let reply = await Patience(logger: logger).ask("the attempt waits for Redis") { () async throws(AdmissionError) in
      try await desk.note(lease)
    }
    switch reply {
    case nil: return .abandoned
    case .lost:
      progress.fault = ResultEvent.Fault(.providerFailed, "the run was taken over by another worker")
      return .over
    case .renewed, .restored:
      progress.run = run.going(on: lease)
      return nil
    }
  }

  /// The provider's own id of the attempt stands in the intent before anybody waits for it.
  func noteRemoteTask(
    _ id: String, _ run: Run, _ candidate: Plan.Candidate, _ skipped: [RouteSkip],
    _ advanced: @Sendable (HeldLease) async -> Void
  ) async -> Bool {
    var intent = Intent(tier: run.plan.tier.code, candidate: candidate, at: run.startedAt, skipped: skipped)
    intent.remoteTask = id
    let lease = run.lease.noting(intent: intent.encoded())
    await advanced(lease)
    let reply = await Patience(logger: logger).ask("a provider's task is written down") {
      () async throws(AdmissionError) in try await desk.note(lease)
    }
    return reply.map { $0 != .lost } ?? false
  }
}
