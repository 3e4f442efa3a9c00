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
  let freezes: FreezeKeeper
  let desk: AdmissionDesk
  let failpoints: Failpoints
  let now: @Sendable () -> Timestamp
  let logger: Logger
  /// Names this process in lease ids.
  let workerID: String

  /// Of the policy in force.
  var stamp: String { planner().stamp }

  /// In which the job would wait by its tier.
  func lane(of job: Job) async throws(AdmissionError) -> Lane {
    planner().tier(of: job, entitlements(in: try await desk.outlook(of: [job]).rows)[0]).lane
  }

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
    /// To be asked again in a moment.
    var soon: [Arrival] = []
    /// Events of waiting jobs' earlier attempts, to be announced.
    var costs: [[UInt8]] = []
    /// Refused heads that stay in hand, under these lease ids.
    var decked: [(lease: String, arrival: Arrival)] = []
  }

  /// - Parameter claim: of a head.
  func decode(_ delivery: Delivery, claim: Claim? = nil) -> Decoded {
    if let fault = delivery.fault { return .verdict(.bury(delivery, refusal(of: delivery, fault))) }
    switch JobMessage.decode(delivery.body, messageID: delivery.messageID) {
    case .refused(let refusal): return .verdict(.bury(delivery, refusal))
    case .lacksID: return .verdict(.identify(delivery, id: RunStamp.fresh(at: now())))
    case .job(let job):
      return .arrival(
        Arrival(
          delivery: delivery, job: job, lane: delivery.lane, firstSeen: delivery.firstSeen ?? now(), claim: claim))
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
    let (outlook, parents) = try await look(at: wave)
    try await freezes.hear(outlook.freeze)
    var leaving: [Claim] = []
    let asking = plan(wave, planner(), outlook, parents, into: &passed, &leaving)
    try await keepBackMoves(&passed)
    if !leaving.isEmpty { try await desk.leave(leaving.map { ($0, lease: $0.deck) }, followsTier: true) }
    guard !asking.isEmpty else { return passed }
    let replies = try await desk.admit(asking.map(\.request))
    await failpoints.pass(.afterAdmit)
    for (question, reply) in zip(asking, replies) { try await judge(question, reply, into: &passed) }
    try await giveInputs(to: &passed)
    return passed
  }

  /// A class, because it goes through several hands and holds all that a job is asked with.
  final class Question: Sendable {
    let arrival: Arrival
    let tier: String
    /// Nil for a job that may not start: then only its state is asked for, because an attempt may have been made.
    let plan: Plan?
    let fault: ResultEvent.Fault?
    let passedOver: [RouteSkip]
    let request: AdmissionRequest

    init(
      arrival: Arrival, tier: String, plan: Plan?, fault: ResultEvent.Fault?, passedOver: [RouteSkip],
      request: AdmissionRequest
    ) {
      self.arrival = arrival
      self.tier = tier
      self.plan = plan
      self.fault = fault
      self.passedOver = passedOver
      self.request = request
    }
  }

  private func entitlements(in rows: [[UInt8]?]) -> [Entitlement?] {
    rows.map { Entitlement.stored($0, logger: logger) }
  }

  /// A Redis that has just lost its memory does not know who was given which tier; nobody is moved on its word.
  private func keepBackMoves(_ passed: inout Passed) async throws(AdmissionError) {
    guard passed.verdicts.contains(where: { $0.movedArrival?.lane != nil }) else { return }
    let looked = try await desk.claim([:], worker: workerID, number: 0, stamp: stamp)
    guard looked.isHeld, let hold = looked.next else { return }
    passed.held = passed.verdicts.compactMap(\.movedArrival)
    passed.verdicts.removeAll { $0.movedArrival != nil }
    passed.hold = hold
  }

  private func plan(
    _ wave: [Arrival], _ planner: Planner, _ outlook: AdmissionDesk.Outlook, _ parents: [UInt64: ParentsReply],
    into passed: inout Passed, _ leaving: inout [Claim]
  ) -> [Question] {
    let time = now()
    var view = BreakerView(outlook.breakers, now: outlook.now)
    var asking: [Question] = []
    asking.reserveCapacity(wave.count)
    for (arrival, entitlement) in zip(wave, entitlements(in: outlook.rows)) {
      let planned = plan(
        arrival, planner, entitlement, time, parents.isEmpty ? nil : parents[arrival.delivery.serial], &view)
      if let elsewhere = wayElsewhere(of: arrival, planned, planner, entitlement, time) {
        passed.verdicts.append(elsewhere)
        if let claim = arrival.claim { leaving.append(claim) }
        continue
      }
      switch planned {
      case .plan(let plan): asking.append(question(arrival, plan, planner.stamp, time))
      case .end(let fault, let tier, let passedOver):
        let request = request(arrival, time, limit: 0, intent: [])
        asking.append(
          Question(
            arrival: arrival, tier: tier, plan: nil, fault: fault, passedOver: passedOver, request: request))
      case .move, .notYet, .notReady, .resting: break  // went elsewhere
      }
    }
    return asking
  }

  /// Where a job goes that is not asked about here; nil for one that is. A head belongs to its bay's user and to the lane
  /// of its tier; what does not goes to its own lane.
  private func wayElsewhere(
    of arrival: Arrival, _ planned: Planned, _ planner: Planner, _ entitlement: Entitlement?, _ time: Timestamp
  ) -> Verdict? {
    if let claim = arrival.claim {
      let tier = planner.tier(of: arrival.job, entitlement)
      let isForeign = claim.user != arrival.job.userKey
      let hasOtherLane = arrival.delivery.followsTier && claim.lane != tier.lane
      if isForeign || hasOtherLane { return .move(arrival, to: tier.lane, tier: tier.code) }
    }
    switch planned {
    case .move(let lane, let tier): return .move(arrival, to: lane, tier: tier)
    case .notYet(let due):
      let pause = Duration.milliseconds(due.milliseconds - time.milliseconds)
      // Not a rung too long: it would come back up to twice as late as its sender wanted.
      return .handBack(arrival, after: min(Topology.trip(within: pause), Self.longestTrip), .notBefore)
    case .notReady(let pause): return .handBack(arrival, after: pause, .parents)
    case .resting(let pause, let plan):
      return .rest(
        arrival, after: Backoff.delay(forRest: pause, afterTrips: arrival.delivery.trips), passedOver: plan.skipped)
    case .plan, .end: return nil
    }
  }

  private func question(_ arrival: Arrival, _ plan: Plan, _ stamp: String, _ time: Timestamp) -> Question {
    let intent = Intent(tier: plan.tier.code, candidate: plan.candidates[0], at: time, skipped: plan.skipped)
    let request = request(
      arrival, time, limit: plan.tier.concurrency, intent: intent.encoded(), limits: plan.limits, worst: plan.worst,
      stamp: stamp, labels: JobLabels(of: arrival.job, tier: plan.tier.code, queuedAt: arrival.firstSeen))
    return Question(
      arrival: arrival, tier: plan.tier.code, plan: plan, fault: nil, passedOver: plan.skipped, request: request)
  }

  private func request(
    _ arrival: Arrival, _ time: Timestamp, limit: Int, intent: [UInt8], limits: AdmissionLimits = AdmissionLimits(),
    worst: Spending? = nil, stamp: String = "", labels: JobLabels? = nil
  ) -> AdmissionRequest {
    AdmissionRequest(
      job: arrival.job, lane: arrival.lane ?? .low, limit: limit, leaseID: leaseID(of: arrival),
      runStamp: RunStamp.fresh(at: time), intent: intent, replays: arrival.delivery.replays,
      copy: arrival.delivery.copy, claim: arrival.claim, limits: limits, worst: worst, stamp: stamp, labels: labels)
  }

  /// Says who holds it and for which job, and of a head in which bay its message lies, unacked.
  private func leaseID(of arrival: Arrival) -> String {
    "\(workerID).\(arrival.delivery.serial)/\(arrival.job.id)" + (arrival.delivery.bay.map { "#\($0)" } ?? "")
  }

  func judge(
    _ question: Question, _ reply: AdmissionReply, into passed: inout Passed
  ) async throws(AdmissionError) {
    let arrival = question.arrival
    switch reply {
    case .admitted(let run, let attempt, let active, let at, let month, let costs):
      guard let plan = question.plan else { fatalError("Bug: admitted without a plan") }
      let lease = HeldLease(
        job: arrival.job, leaseID: question.request.leaseID, run: run, attempt: attempt,
        intent: question.request.intent, month: month, worst: question.request.worst)
      passed.started.append(
        Run(
          arrival: arrival, plan: plan, lane: question.request.lane, lease: lease, startedAt: at,
          earlierCosts: costs))
      log(question, plan, run, attempt, active: active)
    case .wait(let place): wait(question, place, into: &passed)
    case .blocked(let limit, let run, let attempt, let costs):
      let fault = exhaustion(of: limit, on: question.plan)
      passed.verdicts.append(closed(question, run, attempt, fault, costs))
    case .stale: passed.verdicts.append(.stale(arrival.delivery))
    case .running(let lease): passed.verdicts.append(.handBack(arrival, after: lease, .runningElsewhere))
    case .finished(let run): passed.verdicts.append(.known(arrival, run))
    case .conflict: passed.verdicts.append(.bury(arrival.delivery, .idConflict(arrival.job)))
    case .hold(let time):
      passed.held.append(arrival.unclaimed)
      passed.hold = max(passed.hold ?? .zero, time)
      logger.warning("redis lost its memory, nothing is granted yet", metadata: [LogKey.duration: "\(time)"])
    case .cancelled(let note, let run, let attempt, let costs):
      passed.verdicts.append(closed(question, run, attempt, .cancelled(note), costs))
    case .idle(let run, let attempt, let costs):
      guard let fault = question.fault else { fatalError("Bug: asked for nothing but its state without a reason") }
      passed.verdicts.append(closed(question, run, attempt, fault, costs))
    case .exhausted(let run, let attempt, let lastWasUnknown, let costs):
      let fault = exhaustion(of: arrival.job, after: attempt, lastWasUnknown)
      passed.verdicts.append(closed(question, run, attempt, fault, costs))
    case .orphan(let run, let attempt, let intent, let month):
      if try await goOn(question, run: run, attempt: attempt, intent: intent, month: month, into: &passed) { return }
      try await declareUnknown(question, run: run, attempt: attempt, intent: intent, month: month)
      passed.again.append(arrival.unclaimed)
    }
  }

  /// Gives the attempt that nobody will report on its event. Whoever asks `admit` next learns what follows from it.
  private func declareUnknown(
    _ question: Question, run: String, attempt: Int, intent: [UInt8], month: String
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
      of: job, run: run, attempt: attempt, intent: intent, month: month, at: now())
    let isMetered = question.plan?.limits.isMetered ?? false
    let cost = AttemptCost(
      attempt: attempt, event: event.encoded(),
      spent: isMetered ? Spending(event.cost.amount, event.usage, jobs: 1) : nil)
    let mayRepeat = planner().policy.providers[intent.provider]?.isOwnMachine ?? false
    _ = try await desk.declareUnknown(job, run: run, cost, mayRepeat: mayRepeat)
    await failpoints.pass(.afterDeclare)
  }
}
