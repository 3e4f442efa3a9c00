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
    if let fault = delivery.fault { return .verdict(.bury(delivery, .init(.invalidMessage, fault))) }
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
    let plan: Plan
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
        passed.verdicts.append(
          .closed(
            ClosedRun(arrival: arrival, tier: tier, run: nil, attempt: 0, fault: .init(code, reason), costs: [])))
      }
    }
    return asking
  }

  private func question(_ arrival: Arrival, _ plan: Plan, _ time: Timestamp) -> Question {
    let intent = Intent(tier: plan.tier.code, candidate: plan.candidates[0], at: time)
    return Question(
      arrival: arrival, plan: plan,
      request: AdmissionRequest(
        job: arrival.job, lane: arrival.lane ?? plan.tier.lane, limit: plan.concurrency,
        leaseID: "\(workerID).\(arrival.delivery.serial)", runStamp: RunStamp.fresh(at: time),
        intent: intent.encoded(), replays: arrival.delivery.replays))
  }

  private func judge(
    _ question: Question, _ reply: AdmissionReply, into passed: inout Passed
  ) async throws(AdmissionError) {
    let arrival = question.arrival
    switch reply {
    case .admitted(let run, let attempt, _, let at, let costs):
      let lease = HeldLease(
        job: arrival.job, leaseID: question.request.leaseID, run: run, attempt: attempt,
        intent: question.request.intent)
      passed.started.append(
        Run(
          job: arrival.job, delivery: arrival.delivery, firstSeen: arrival.firstSeen, plan: question.plan,
          lane: question.request.lane, lease: lease, startedAt: at,
          earlierCosts: costs))
    case .full(let active, _):
      let delay = Backoff.delay(afterTrips: arrival.delivery.trips)
      passed.verdicts.append(.handBack(arrival, after: delay, .concurrency))
      logger.info(
        "over the limit, handed back",
        metadata: [
          LogKey.job: "\(arrival.job.id)", LogKey.user: "\(arrival.job.userID)",
          LogKey.tier: "\(question.plan.tier.code)", LogKey.active: "\(active)/\(question.plan.concurrency)",
          LogKey.retryIn: "\(delay)",
        ])
    case .running(let lease): passed.verdicts.append(.handBack(arrival, after: lease, .runningElsewhere))
    case .finished(let run): passed.verdicts.append(.known(arrival, run))
    case .conflict: passed.verdicts.append(.bury(arrival.delivery, .idConflict(arrival.job)))
    case .hold(let time):
      passed.held.append(arrival)
      passed.hold = max(passed.hold ?? .zero, time)
    case .exhausted(let run, let attempt, let lastWasUnknown, let costs):
      let fault: ResultEvent.Fault =
        lastWasUnknown
        ? .init(.poison, "\(attempt) attempts began and the last was never heard of again")
        : .init(.attemptsExhausted, "the attempt budget of the run is used up")
      passed.verdicts.append(closed(question, run, attempt, fault, costs))
    case .orphan(let run, let attempt, let intent):
      try await take(over: question, run: run, attempt: attempt, intent: intent, into: &passed)
    }
    log(question, reply)
  }

  /// Gives the attempt that nobody will report on its event, then asks again, or ends a run that may not be repeated.
  private func take(
    over question: Question, run: String, attempt: Int, intent: [UInt8], into passed: inout Passed
  ) async throws(AdmissionError) {
    let job = question.arrival.job
    let intent =
      Intent(decoding: intent)
      ?? Intent(
        tier: question.plan.tier.code, candidate: question.plan.candidates[0], at: now())
    let event = Meter(prices: planner().prices).unknownEvent(
      of: job, run: run, attempt: attempt, intent: intent, at: now()
    ).encoded()
    let isDeclared = try await desk.declareUnknown(job, run: run, attempt: attempt, event: event)
    guard isDeclared, !job.taskType.mayRepeatUnknown else {
      passed.again.append(question.arrival)
      return
    }
    let fault = ResultEvent.Fault(
      .providerFailed, "an attempt was never heard of again, and the job is not bought twice")
    passed.verdicts.append(closed(question, run, attempt, fault, [event]))
  }

  private func closed(
    _ question: Question, _ run: String, _ attempt: Int, _ fault: ResultEvent.Fault, _ costs: [[UInt8]]
  ) -> Verdict {
    .closed(
      ClosedRun(
        arrival: question.arrival, tier: question.plan.tier.code, run: run, attempt: attempt, fault: fault,
        costs: costs))
  }

  private func log(_ question: Question, _ reply: AdmissionReply) {
    let job = question.arrival.job
    switch reply {
    case .admitted(let run, let attempt, let active, _, _):
      logger.info(
        "admitted",
        metadata: [
          LogKey.job: "\(job.id)", LogKey.user: "\(job.userID)", LogKey.task: "\(job.taskType.rawValue)",
          LogKey.tier: "\(question.plan.tier.code)", LogKey.lane: "\(question.request.lane.rawValue)",
          LogKey.priority: "\(4 - question.request.lane.rank)",
          LogKey.active: "\(active)/\(question.plan.concurrency)", LogKey.run: "\(run)",
          LogKey.attempt: "\(attempt)",
        ])
    case .orphan(let run, let attempt, _):
      logger.warning(
        "attempt was never heard of again",
        metadata: [LogKey.job: "\(job.id)", LogKey.run: "\(run)", LogKey.attempt: "\(attempt)"])
    case .hold(let time):
      logger.warning("redis lost its memory, nothing is granted yet", metadata: [LogKey.duration: "\(time)"])
    case .full: break
    case .running, .finished, .conflict, .exhausted:
      logger.info("not run", metadata: [LogKey.job: "\(job.id)", LogKey.reason: "\(reply.word)"])
    }
  }
}

extension JobMessage.Refusal {
  static func idConflict(_ job: Job?) -> JobMessage.Refusal {
    JobMessage.Refusal(
      .idConflict, "another job or user has this id", jobID: job?.id, userID: job?.userID,
      taskType: job?.taskType.rawValue)
  }
}

extension AdmissionReply {
  fileprivate var word: String {
    switch self {
    case .admitted: "admitted"
    case .full: "full"
    case .running: "runs elsewhere"
    case .orphan: "orphan"
    case .finished: "finished before"
    case .conflict: "id conflict"
    case .exhausted: "attempts exhausted"
    case .hold: "hold"
    }
  }
}
