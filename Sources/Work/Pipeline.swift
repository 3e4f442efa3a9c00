import Admission
import Catalog
import Contracts
import Lanes
import Logging

/// The way of a job through the worker, as far as it can be said in one file:
///
///     decode -> plan -> admit -> execute -> meter -> settle
///
/// Decode takes bytes, plan and admit take a wave of jobs (one round trip for all), execute and meter are `PlanRunner`
/// and `Meter` for each admitted job, settle is `Settler`. Whatever happens becomes a `Verdict`; only a Redis that does
/// not answer is thrown, and then nothing of the wave has been decided.
struct Pipeline: Sendable {
  let planner: @Sendable () -> Planner
  let desk: AdmissionDesk
  let failpoints: Failpoints
  let now: @Sendable () -> Timestamp
  let logger: Logger
  /// Names this process in lease ids.
  let workerID: String

  enum Decoded {
    case arrival(Arrival)
    case verdict(Verdict)
  }

  /// What became of a wave.
  struct Passed {
    var started: [Run] = []
    var verdicts: [Verdict] = []
    /// To be asked again at once: something was put right.
    var again: [Arrival] = []
    /// To be asked again after `hold`.
    var held: [Arrival] = []
    var hold: Duration?
  }

  func decode(_ delivery: Delivery) -> Decoded {
    if let fault = delivery.fault { return .verdict(.bury(delivery, refusal(of: delivery, fault))) }
    switch JobMessage.decode(delivery.body, messageID: delivery.messageID) {
    case .refused(let refusal): return .verdict(.bury(delivery, refusal))
    case .lacksID: return .verdict(.identify(delivery, id: RunStamp.fresh(at: now())))
    case .job(let job):
      return .arrival(
        Arrival(
          delivery: delivery, job: job, lane: delivery.lane, arrivedAt: .now,
          firstSeen: delivery.firstSeen ?? now()))
    }
  }

  /// Of a message that can be no job whatever its body says; the body may still say whom to tell.
  private func refusal(of delivery: Delivery, _ fault: String) -> JobMessage.Refusal {
    switch JobMessage.decode(delivery.body, messageID: delivery.messageID) {
    case .job(let job):
      JobMessage.Refusal(
        .invalidMessage, fault, jobID: job.id, userID: job.userID, taskType: job.taskType.rawValue)
    case .refused(let refusal):
      JobMessage.Refusal(
        .invalidMessage, fault, jobID: refusal.jobID, userID: refusal.userID, taskType: refusal.taskType)
    case .lacksID: JobMessage.Refusal(.invalidMessage, fault)
    }
  }

  func pass(_ wave: [Arrival]) async throws(AdmissionError) -> Passed {
    var passed = Passed()
    let asking = plan(wave, try await entitlements(of: wave), into: &passed)
    guard !asking.isEmpty else { return passed }
    let replies = try await desk.admit(asking.map(\.request))
    await failpoints.pass(.afterAdmit)
    for (question, reply) in zip(asking, replies) { try await judge(question, reply, into: &passed) }
    return passed
  }

  private struct Question {
    let arrival: Arrival
    let tier: String
    /// Nil for a job that may not start: then only its state is asked for, because an attempt may have been made.
    let plan: Plan?
    let fault: ResultEvent.Fault?
    let request: AdmissionRequest
  }

  private func entitlements(of wave: [Arrival]) async throws(AdmissionError) -> [Entitlement?] {
    let rows = try await desk.entitlements(of: wave.map(\.job.userID))
    return rows.map { row in
      guard let row else { return nil }
      do {
        return try Entitlement(decoding: row)
      } catch {
        logger.error("entitlement of a user cannot be read and is left out", metadata: [LogKey.error: "\(error)"])
        return nil
      }
    }
  }

  private func plan(
    _ wave: [Arrival], _ entitlements: [Entitlement?], into passed: inout Passed
  ) -> [Question] {
    let planner = planner()
    let time = now()
    var asking: [Question] = []
    for (arrival, entitlement) in zip(wave, entitlements) {
      switch planner.plan(arrival.job, foundIn: arrival.lane, entitlement: entitlement, now: time) {
      case .plan(let plan): asking.append(question(arrival, plan, time))
      case .move(let lane, let tier): passed.verdicts.append(.move(arrival, to: lane, tier: tier))
      case .notYet(let due):
        let wait = Duration.milliseconds(due.milliseconds - time.milliseconds)
        passed.verdicts.append(.handBack(arrival, after: wait, .notBefore))
      case .end(let code, let reason, let tier):
        asking.append(question(arrival, endingWith: .init(code, reason), tier, time))
      }
    }
    return asking
  }

  private func question(_ arrival: Arrival, _ plan: Plan, _ time: Timestamp) -> Question {
    let intent = Intent(tier: plan.tier.code, candidate: plan.candidates[0], at: time)
    return Question(
      arrival: arrival, tier: plan.tier.code, plan: plan, fault: nil,
      request: request(arrival, limit: plan.concurrency, intent: intent.encoded(), time))
  }

  private func question(
    _ arrival: Arrival, endingWith fault: ResultEvent.Fault, _ tier: String, _ time: Timestamp
  ) -> Question {
    Question(
      arrival: arrival, tier: tier, plan: nil, fault: fault,
      request: request(arrival, limit: 0, intent: [], time))
  }

  private func request(
    _ arrival: Arrival, limit: Int, intent: [UInt8], _ time: Timestamp
  ) -> AdmissionRequest {
    AdmissionRequest(
      job: arrival.job, lane: arrival.lane ?? .low, limit: limit,
      leaseID: "\(workerID).\(arrival.delivery.serial)", runStamp: RunStamp.fresh(at: time), intent: intent,
      replays: arrival.delivery.replays)
  }

  private func judge(
    _ question: Question, _ reply: AdmissionReply, into passed: inout Passed
  ) async throws(AdmissionError) {
    let arrival = question.arrival
    switch reply {
    case .admitted(let run, let attempt, let active, let at, let costs):
      guard let plan = question.plan else { fatalError("Bug: admitted without a plan") }
      start(question, plan, run, attempt, at, costs, into: &passed)
      log(question, plan, run, attempt, active: active)
    case .full(let active, _):
      let delay = Backoff.delay(afterTrips: arrival.delivery.trips)
      passed.verdicts.append(.handBack(arrival, after: delay, .concurrency))
      logger.info(
        "over the limit, handed back",
        metadata: [
          LogKey.job: "\(arrival.job.id)", LogKey.user: "\(arrival.job.userID)", LogKey.tier: "\(question.tier)",
          LogKey.active: "\(active)/\(question.request.limit)", LogKey.retryIn: "\(delay)",
        ])
    case .running(let lease): passed.verdicts.append(.handBack(arrival, after: lease, .runningElsewhere))
    case .finished(let run): passed.verdicts.append(.known(arrival, run))
    case .conflict: passed.verdicts.append(.bury(arrival.delivery, .idConflict(arrival.job)))
    case .hold(let time):
      passed.held.append(arrival)
      passed.hold = max(passed.hold ?? .zero, time)
      logger.warning("redis lost its memory, nothing is granted yet", metadata: [LogKey.duration: "\(time)"])
    case .idle(let run, let attempt, let costs):
      guard let fault = question.fault else { fatalError("Bug: asked for nothing but its state without a reason") }
      passed.verdicts.append(closed(question, run, attempt, fault, costs))
    case .exhausted(let run, let attempt, let lastWasUnknown, let costs):
      let fault = exhaustion(of: arrival.job, after: attempt, lastWasUnknown)
      passed.verdicts.append(closed(question, run, attempt, fault, costs))
    case .orphan(let run, let attempt, let intent):
      try await declareUnknown(question, run: run, attempt: attempt, intent: intent)
      passed.again.append(arrival)
    }
  }

  private func start(
    _ question: Question, _ plan: Plan, _ run: String, _ attempt: Int, _ time: Timestamp, _ costs: [[UInt8]],
    into passed: inout Passed
  ) {
    let arrival = question.arrival
    let lease = HeldLease(
      job: arrival.job, leaseID: question.request.leaseID, run: run, attempt: attempt, intent: question.request.intent)
    passed.started.append(
      Run(
        job: arrival.job, delivery: arrival.delivery, firstSeen: arrival.firstSeen, plan: plan,
        lane: question.request.lane, lease: lease, startedAt: time, earlierCosts: costs))
  }

  private func exhaustion(of job: Job, after attempts: Int, _ lastWasUnknown: Bool) -> ResultEvent.Fault {
    if lastWasUnknown, !job.taskType.mayRepeatUnknown {
      return .init(.providerFailed, "an attempt was never heard of again, and the job is not bought twice")
    }
    if lastWasUnknown {
      return .init(.poison, "\(attempts) attempts began and the last was never heard of again")
    }
    return .init(.attemptsExhausted, "the attempt budget of the run is used up")
  }

  /// Gives the attempt that nobody will report on its event. Whoever asks `admit` next learns what follows from it.
  private func declareUnknown(
    _ question: Question, run: String, attempt: Int, intent: [UInt8]
  ) async throws(AdmissionError) {
    let job = question.arrival.job
    logger.warning(
      "attempt was never heard of again",
      metadata: [LogKey.job: "\(job.id)", LogKey.run: "\(run)", LogKey.attempt: "\(attempt)"])
    // An intent that nobody of ours wrote cannot be read; the attempt is booked all the same.
    let intent =
      Intent(decoding: intent)
      ?? Intent(tier: question.tier, provider: "unknown", model: "unknown", version: nil, at: now())
    let event = Meter(prices: planner().prices).unknownEvent(
      of: job, run: run, attempt: attempt, intent: intent, at: now())
    _ = try await desk.declareUnknown(job, run: run, attempt: attempt, event: event.encoded())
    await failpoints.pass(.afterDeclare)
  }

  private func closed(
    _ question: Question, _ run: String?, _ attempt: Int, _ fault: ResultEvent.Fault, _ costs: [[UInt8]]
  ) -> Verdict {
    .closed(
      ClosedRun(
        arrival: question.arrival, tier: question.tier, run: run, attempt: attempt, fault: fault, costs: costs))
  }

  private func log(_ question: Question, _ plan: Plan, _ run: String, _ attempt: Int, active: Int) {
    let job = question.arrival.job
    logger.info(
      "admitted",
      metadata: [
        LogKey.job: "\(job.id)", LogKey.user: "\(job.userID)", LogKey.task: "\(job.taskType.rawValue)",
        LogKey.tier: "\(question.tier)", LogKey.lane: "\(question.request.lane.rawValue)",
        LogKey.priority: "\(4 - question.request.lane.rank)", LogKey.active: "\(active)/\(plan.concurrency)",
        LogKey.run: "\(run)", LogKey.attempt: "\(attempt)",
      ])
  }
}

extension JobMessage.Refusal {
  static func idConflict(_ job: Job) -> JobMessage.Refusal {
    JobMessage.Refusal(
      .idConflict, "another job or user has this id", jobID: job.id, userID: job.userID,
      taskType: job.taskType.rawValue)
  }
}
