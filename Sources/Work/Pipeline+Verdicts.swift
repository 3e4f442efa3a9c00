import Admission
import Catalog
import Contracts
import Lanes
import Logging

// What the answers of admission mean: where a job waits, how a run without an attempt ends, and what the log says of it.

extension Pipeline {
  /// How often a job is asked about again before it takes the ladder, for a bay that opens; a declaration takes as long as
  /// one of the pauses in between.
  static let mostTries = 4

  /// A job over a limit goes where admission says; the line in the log says which limit it is and when it comes back.
  func wait(_ question: Question, _ place: WaitPlace, into passed: inout Passed) {
    let arrival = question.arrival
    passed.costs += place.costs
    var back = place.expected
    switch place.kind {
    case .deck: passed.decked.append((question.request.leaseID, arrival))
    case .bay(let bay, let generation, let copy, let isNew):
      let parking = ParkingPlace(
        bay: bay, generation: generation, copy: copy, isNew: isNew, lane: question.request.lane,
        isOwnLane: question.plan?.tier.lane == question.request.lane)
      passed.verdicts.append(.park(arrival, parking))
    case .soon where arrival.delivery.bay == nil && arrival.tries < Self.mostTries:
      passed.soon.append(arrival.triedAgain)
      return
    case .soon:
      back = place.expected
      passed.verdicts.append(.handBack(arrival, after: back, place.reason))
    case .ladder:
      back = Backoff.delay(for: place, afterTrips: arrival.delivery.trips)
      passed.verdicts.append(.handBack(arrival, after: back, place.reason))
    }
    logger.info(
      "over the limit, handed back",
      metadata: [
        LogKey.job: .string(arrival.job.id), LogKey.user: .string(arrival.job.userID),
        LogKey.tier: .string(question.tier),
        LogKey.reason: .string(place.reason.rawValue), LogKey.active: "\(place.active)/\(question.request.limit)",
        LogKey.position: "\(place.position)", LogKey.retryIn: "\(back)",
      ])
  }

  /// The month's limit that has too little left, and what would release the job.
  func exhaustion(of limit: MonthlyLimit, on plan: Plan?) -> ResultEvent.Fault {
    let tier = plan?.tier
    let release =
      "released by `tollway blocked release` after the limit was raised, or when the next month (UTC) begins"
    let quota = { (name: String, size: Int?) in
      ResultEvent.Fault(
        .quotaExceeded, "the monthly quota of \(size ?? 0) \(name) has too little left for the job; \(release)")
    }
    switch limit {
    case .money:
      return ResultEvent.Fault(
        .costCapReached,
        "the monthly cost cap of \(tier?.costCap?.monthly.description ?? "0") USD is reached; \(release)")
    case .tokens: return quota("tokens", tier?.monthly.tokens)
    case .audio: return quota("audio seconds", tier?.monthly.audioSeconds)
    case .video: return quota("video minutes", tier?.monthly.videoMinutes)
    case .jobs: return quota("jobs", tier?.monthly.jobs)
    }
  }

  func exhaustion(of job: Job, after attempts: Int, _ lastWasUnknown: Bool) -> ResultEvent.Fault {
    if lastWasUnknown, attempts < desk.configuration.attemptBudget {
      return .init(.providerFailed, "an attempt was never heard of again, and the job is not bought twice")
    }
    if lastWasUnknown {
      return .init(.poison, "\(attempts) attempts began and the last was never heard of again")
    }
    return .init(.attemptsExhausted, "the attempt budget of the run is used up")
  }

  func closed(
    _ question: Question, _ run: String?, _ attempt: Int, _ fault: ResultEvent.Fault, _ costs: [[UInt8]]
  ) -> Verdict {
    .closed(
      ClosedRun(
        arrival: question.arrival, tier: question.tier, run: run, attempt: attempt, fault: fault,
        passedOver: question.passedOver, costs: costs))
  }

  func log(_ question: Question, _ plan: Plan, _ run: String, _ attempt: Int, active: Int) {
    let job = question.arrival.job
    logger.info(
      "admitted",
      metadata: [
        LogKey.job: .string(job.id), LogKey.user: .string(job.userID), LogKey.task: .string(job.taskType.rawValue),
        LogKey.tier: .string(question.tier), LogKey.lane: .string(question.request.lane.rawValue),
        LogKey.priority: "\(4 - question.request.lane.rank)", LogKey.active: "\(active)/\(plan.tier.concurrency)",
        LogKey.run: .string(run), LogKey.attempt: "\(attempt)",
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
