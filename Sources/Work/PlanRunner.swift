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
  let health: HealthDesk
  let retries = RetryBudget()
  let unpriced = UnpricedWatch()
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
    /// All that is left to try may do better after a while: it stopped, gave everything back and comes back then. With
    /// the cost events of the attempts made here.
    case paused(Run, after: Duration, events: [CostEvent], passedOver: [RouteSkip])
  }

  enum Step {
    case over
    case abandoned
    case suspended
    case paused(Duration)
    /// Not this candidate, for a reason that is noted.
    case skipped
  }

  /// What is left to try, and what the attempts said so far.
  fileprivate struct Walk {
    let begin = ContinuousClock.now
    /// Attempts made at the candidate whose turn it is.
    var tries = 0
    /// Of the failed attempts that may do better later: whether there were any, and how long a provider asked to wait.
    var isPassing = false
    /// The shortest.
    var asked: Duration?
    /// The largest model that the job was too long for; 0 while nobody said how large it is.
    var tooShort = 0
    var hasTooLong = false
    var hasOtherFailure = false
  }

  /// - Parameter advanced: told of the lease whenever it says something else: renewals must say the same.
  func execute(_ admitted: Run, advanced: @escaping @Sendable (HeldLease) async -> Void) async -> Leaving {
    var progress = RunProgress(admitted)
    let step = await walk(&progress, advanced)
    if let note = admitted.stop.note, let ended = stopped(&progress, step, note) { return .ended(ended) }
    switch step {
    case .over, .skipped: return .ended(RunEnd(progress))
    case .abandoned: return .abandoned
    case .suspended: return .suspended(progress.run)
    case .paused(let pause):
      return await giveBack(&progress)
        ?? .paused(progress.run, after: pause, events: progress.events, passedOver: progress.skipped)
    }
  }

  private func walk(
    _ progress: inout RunProgress, _ advanced: @escaping @Sendable (HeldLease) async -> Void
  ) async -> Step {
    var walk = Walk()
    let candidates = progress.run.plan.candidates
    for (index, candidate) in candidates.enumerated() {
      guard takesIt(candidate, walk) else {
        progress.skipped.append(RouteSkip(candidate, .context))
        continue
      }
      guard providers.has(candidate.provider.name) else {
        // Gone from the policy since the plan was made; a new plan knows better.
        progress.skipped.append(RouteSkip(candidate, .unavailable))
        continue
      }
      walk.tries = 0
      while true {
        if progress.run.stop.note != nil { return .abandoned }
        if let stop = await begin(&progress, candidate, isPlanned: index == 0, advanced) {
          health.giveBack(progress.probe)
          progress.probe = nil
          if case .skipped = stop { break }
          return stop
        }
        let answer = await attempt(&progress, candidate, until: walk.begin + Self.longestRun, advanced)
        walk.tries += 1
        guard case .failure(let failure) = answer.answer else {
          if case .success(let reply) = answer.answer { progress.success = (candidate, reply) }
          return .over
        }
        let rule = RetryRule(
          tries: walk.tries, hasNext: index + 1 < candidates.count,
          mayRepeat: candidate.provider.mayRepeat(progress.run.job.taskType), jitter: Double.random(in: 0...1))
        if failure.kind != .cancelled, let fault = deadlineFault(progress.run.job) {
          progress.fault = fault
          return .over
        }
        walk.note(failure, candidate)
        let next = rule.follow(failure, elapsed: answer.elapsed) { retries.take(candidate.provider.name) }
        switch next {
        case .end(let fault):
          progress.fault = fault
          return .over
        case .abandon: return .abandoned
        case .next: break
        case .again(let pause):
          do { try await Task.sleep(for: pause) } catch { return .abandoned }
          continue
        }
        break
      }
    }
    return exhausted(&progress, walk)
  }

  /// Nothing is left to try now. What may do better later waits for that, as long as attempts are left.
  private func exhausted(_ progress: inout RunProgress, _ walk: Walk) -> Step {
    let run = progress.run
    let rests = (run.plan.skipped + progress.skipped).contains { $0.reason == .breaker || $0.reason == .unavailable }
    if progress.attempts.isEmpty, rests { return .paused(max(.seconds(1), Self.yielding(run))) }
    if walk.isPassing || rests, run.lease.attempt < desk.configuration.attemptBudget {
      let growing = Duration.seconds(1 << min(4, max(0, (run.lease.attempt - 1) / 2)))
      return .paused(min(BreakerView.longest, max(walk.asked ?? .zero, growing)))
    }
    progress.fault =
      walk.hasTooLong && !walk.hasOtherFailure
      ? ResultEvent.Fault(.callerError, "longer than what any model of the plan takes")
      : ResultEvent.Fault(.providerFailed, "every provider of the plan failed")
    return .over
  }

  /// A model that takes more than the one for which the job was too long; one of which nobody knows is not tried.
  private func takesIt(_ candidate: Plan.Candidate, _ walk: Walk) -> Bool {
    guard walk.hasTooLong else { return true }
    guard let size = candidate.contextTokens, walk.tooShort > 0 else { return false }
    return size > walk.tooShort
  }

  /// Everything that comes before the call: the last attempt's end and this one's intent are written, the probe is taken.
  private func begin(
    _ progress: inout RunProgress, _ candidate: Plan.Candidate, isPlanned: Bool,
    _ advanced: @Sendable (HeldLease) async -> Void
  ) async -> Step? {
    if let scope = candidate.probes, progress.probe == nil {
      let length = min(candidate.provider.timeout(of: progress.run.job.taskType) + .seconds(5), .seconds(90))
      let holder = progress.run.lease.leaseID
      guard await health.takeProbe(scope, holder: holder, length: length, yielding: Self.yielding(progress.run)) else {
        progress.skipped.append(RouteSkip(candidate, .breaker))
        return .skipped
      }
      progress.probe = (scope, holder)
    }
    if progress.isUnmade {
      // Its number was granted with the intent of the plan's first candidate.
      if isPlanned { return nil }
      if let stop = await rewrite(&progress, for: candidate) { return stop }
    } else if let stop = await prepare(&progress, for: candidate) {
      return stop
    }
    await advanced(progress.run.lease)
    return nil
  }

  private func attempt(
    _ progress: inout RunProgress, _ candidate: Plan.Candidate, until limit: ContinuousClock.Instant,
    _ advanced: @escaping @Sendable (HeldLease) async -> Void
  ) async -> (answer: ProviderAnswer, elapsed: Duration) {
    let run = progress.run
    let number = run.lease.attempt
    let start = ContinuousClock.now
    await failpoints.pass(.beforeProvider)
    let name = candidate.provider.name
    retries.called(name)
    let skipped = progress.takeSkipped()
    let call = ProviderCall(
      job: run.job, model: candidate.id, modelVersion: candidate.version,
      attemptID: "\(run.job.id)/\(run.lease.run)/\(number)",
      deadline: deadline(of: run.job, candidate, start: start, limit: limit), tier: run.plan.tier.code,
      remoteTask: progress.run.remoteTask,
      noteRemoteTask: { await noteRemoteTask($0, run, candidate, skipped, advanced) })
    let (answer, isLead) =
      await providers.call(name, call, batchSize: run.plan.tier.batchSize)
      ?? (.failure(ProviderFailure(.local, "this worker cannot speak to provider \(name)")), true)
    let elapsed = ContinuousClock.now - start
    await failpoints.pass(.afterProvider)
    // A bound of the job's own says nothing about the provider, and one call of many jobs is one call.
    let isToldOf = isLead && !(answer.isLost && deadlineFault(run.job) != nil)
    if isToldOf {
      health.note(answer, of: name, modelScope: candidate.modelScope, probe: progress.probe)
      // A clip takes as long as it is; that says nothing of how its provider does.
      if run.job.taskType != .video { health.note(elapsed, of: answer, by: name) }
    } else {
      health.giveBack(progress.probe)
    }
    progress.probe = nil
    let event = meter().event(of: run, attempt: number, candidate: candidate, answer: answer, at: now())
    if let event {
      unpriced.note(event, of: candidate, at: ContinuousClock.now, logger: logger)
      progress.events.append(event)
      progress.unwritten.append(event)
    }
    let outcome: AttemptOutcome = event?.outcome ?? .failed
    progress.attempts.append(
      ResultEvent.Attempt(
        number: number, provider: name, model: candidate.model, outcome: outcome,
        milliseconds: elapsed.milliseconds, skipped: skipped))
    if case .failure(let failure) = answer { log(failure, run: run, candidate: candidate, outcome: outcome) }
    return (answer, elapsed)
  }

  /// Writes the last attempt's end and the next one's intent; waits for Redis if it must, because without the intent
  /// nothing may be bought. Nil to go on; a run that is over here has its fault set.
  private func prepare(_ progress: inout RunProgress, for candidate: Plan.Candidate) async -> Step? {
    let run = progress.run
    guard run.lease.attempt < desk.configuration.attemptBudget else {
      progress.fault = ResultEvent.Fault(.attemptsExhausted, "the attempt budget of the run is used up")
      return .over
    }
    let intent = Intent(
      tier: run.plan.tier.code, candidate: candidate, at: run.startedAt, skipped: progress.skipped
    ).encoded()
    let ended = progress.lastEnd
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
    var deadline = min(start + candidate.provider.timeout(of: job.taskType), limit)
    if let wish = job.deadline {
      deadline = min(deadline, start + .milliseconds(max(0, wish.milliseconds - now().milliseconds)))
    }
    return deadline
  }

  private func deadlineFault(_ job: Job) -> ResultEvent.Fault? {
    guard let deadline = job.deadline, deadline <= now() else { return nil }
    return ResultEvent.Fault(.deadlineExceeded, "the deadline passed before a provider had answered")
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

extension PlanRunner.Walk {
  fileprivate mutating func note(_ failure: ProviderFailure, _ candidate: Plan.Candidate) {
    if RetryRule.isPassing(failure) {
      isPassing = true
      let pause = failure.retryAfter ?? .zero
      asked = asked.map { min($0, pause) } ?? pause
    }
    if failure.kind == .contextTooLong {
      hasTooLong = true
      tooShort = max(tooShort, candidate.contextTokens ?? 0)
    } else {
      hasOtherFailure = true
    }
  }
}

extension ProviderAnswer {
  fileprivate var isLost: Bool { if case .failure(let failure) = self { failure.kind == .lost } else { false } }
}
