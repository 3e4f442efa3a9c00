import Admission
import Catalog
import Contracts
import Logging
import Providers

/// Walks the candidates of a plan, one attempt after the other, until one succeeds or nothing is left to try. Every
/// attempt's intent is in Redis before its provider is called. Runs in the task of its job; never throws.
struct PlanRunner: Sendable {
  let providers: ProviderShelf
  let desk: AdmissionDesk
  let meter: @Sendable () -> Meter
  let failpoints: Failpoints
  let now: @Sendable () -> Timestamp
  let logger: Logger

  private var patience: Patience { Patience(logger: logger) }

  /// A run keeps its delivery at most this long: five minutes less than the broker's consumer timeout.
  static let longestRun: Duration = .seconds(25 * 60)

  /// How a run left its candidates.
  enum Leaving: Sendable {
    case ended(RunEnd)
    /// The worker is going down: the lease runs out and others take over.
    case abandoned
    /// The next candidate may cost more than is left of the month: it stopped, gave everything back and waits.
    case suspended(Run)
  }

  private enum Step { case over, abandoned, suspended }

  /// - Parameter advanced: told of the lease whenever a further attempt has been written down.
  func execute(_ admitted: Run, advanced: @Sendable (HeldLease) async -> Void) async -> Leaving {
    var progress = RunProgress(admitted)
    switch await walk(&progress, advanced) {
    case .over: return .ended(RunEnd(progress))
    case .abandoned: return .abandoned
    case .suspended: return .suspended(progress.run)
    }
  }

  private func walk(_ progress: inout RunProgress, _ advanced: @Sendable (HeldLease) async -> Void) async -> Step {
    let begin = ContinuousClock.now
    for (index, candidate) in progress.run.plan.candidates.enumerated() {
      if index > 0 {
        if let stop = await prepare(&progress, for: candidate) { return stop }
        await advanced(progress.run.lease)
      }
      let answer = await attempt(&progress, candidate, until: begin + Self.longestRun)
      switch answer {
      case .success(let reply):
        progress.success = (candidate, reply)
        return .over
      case .failure(let failure) where failure.kind == .cancelled: return .abandoned
      case .failure(let failure):
        progress.fault = verdict(on: failure, of: progress.run.job)
        if progress.fault != nil { return .over }
      }
    }
    progress.fault = ResultEvent.Fault(.providerFailed, "every provider of the plan failed")
    return .over
  }

  private func attempt(
    _ progress: inout RunProgress, _ candidate: Plan.Candidate, until limit: ContinuousClock.Instant
  ) async -> ProviderAnswer {
    let run = progress.run
    let number = run.lease.attempt
    let start = ContinuousClock.now
    await failpoints.pass(.beforeProvider)
    let call = ProviderCall(
      job: run.job, model: candidate.model, modelVersion: candidate.version,
      attemptID: "\(run.job.id)/\(run.lease.run)/\(number)",
      deadline: deadline(of: run.job, candidate, start: start, limit: limit))
    let name = candidate.provider.name
    let answer =
      await providers.call(name, call, tier: run.plan.tier.code, batchSize: run.plan.tier.batchSize)
      ?? .failure(ProviderFailure(.local, "this worker cannot speak to provider \(name)"))
    await failpoints.pass(.afterProvider)
    let event = meter().event(of: run, attempt: number, candidate: candidate, answer: answer, at: now())
    if let event {
      progress.events.append(event)
      progress.unwritten.append(event)
    }
    let outcome: AttemptOutcome = event?.outcome ?? .failed
    progress.attempts.append(
      ResultEvent.Attempt(
        number: number, provider: candidate.provider.name, model: candidate.model, outcome: outcome,
        milliseconds: (ContinuousClock.now - start).milliseconds))
    if case .failure(let failure) = answer { log(failure, run: run, candidate: candidate, outcome: outcome) }
    return answer
  }

  /// Writes the last attempt's end and the next one's intent; waits for Redis if it must, because without the intent
  /// nothing may be bought. Nil to go on; a run that is over here has its fault set.
  private func prepare(_ progress: inout RunProgress, for candidate: Plan.Candidate) async -> Step? {
    let run = progress.run
    guard run.lease.attempt < desk.configuration.attemptBudget else {
      progress.fault = ResultEvent.Fault(.attemptsExhausted, "the attempt budget of the run is used up")
      return .over
    }
    let intent = Intent(tier: run.plan.tier.code, candidate: candidate, at: run.startedAt).encoded()
    let ended = progress.unwritten.last.map {
      AttemptCost(attempt: $0.attempt, event: $0.encoded(), spent: run.spent($0))
    }
    let worst = run.plan.limits.isMetered ? candidate.worst : nil
    let reply = await patience.ask("the next attempt waits for Redis") { () async throws(AdmissionError) in
      try await desk.advance(run.lease, ended: ended, nextIntent: intent, worst: worst, limits: run.plan.limits)
    }
    switch reply {
    case nil: return .abandoned
    case .refused: return .suspended
    case .lost:
      progress.fault = ResultEvent.Fault(.providerFailed, "the run was taken over by another worker")
      return .over
    case .advanced:
      await failpoints.pass(.afterAdvance)
      progress.run = run.going(on: run.lease.advanced(intent: intent, worst: worst))
      progress.unwritten = []
      return nil
    }
  }

  private func deadline(
    of job: Job, _ candidate: Plan.Candidate, start: ContinuousClock.Instant, limit: ContinuousClock.Instant
  ) -> ContinuousClock.Instant {
    var deadline = min(start + candidate.provider.timeout, limit)
    if let wish = job.deadline {
      deadline = min(deadline, start + .milliseconds(max(0, wish.milliseconds - now().milliseconds)))
    }
    return deadline
  }

  /// What a failure means for the whole run; nil to go on with the next candidate.
  private func verdict(on failure: ProviderFailure, of job: Job) -> ResultEvent.Fault? {
    switch failure.kind {
    case .caller: return ResultEvent.Fault(.callerError, failure.detail)
    case .contentRefused: return ResultEvent.Fault(.contentRefused, failure.detail)
    default: break
    }
    if let deadline = job.deadline, deadline <= now() {
      return ResultEvent.Fault(.deadlineExceeded, "the deadline passed before a provider had answered")
    }
    guard failure.kind == .lost, failure.reachedProvider, !job.taskType.mayRepeatUnknown else { return nil }
    return ResultEvent.Fault(.providerFailed, "the provider was not heard of again, and the job is not bought twice")
  }

  private func log(_ failure: ProviderFailure, run: Run, candidate: Plan.Candidate, outcome: AttemptOutcome) {
    logger.warning(
      "attempt failed",
      metadata: [
        LogKey.job: "\(run.job.id)", LogKey.run: "\(run.lease.run)", LogKey.attempt: "\(run.lease.attempt)",
        LogKey.provider: "\(candidate.provider.name)", LogKey.model: "\(candidate.model)",
        LogKey.outcome: "\(outcome.rawValue)", LogKey.reason: "\(failure.kind.rawValue): \(failure.detail)",
      ])
  }
}
