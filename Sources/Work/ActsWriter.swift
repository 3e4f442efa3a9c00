import Admission
import Catalog
package import Contracts
import Lanes
import Providers

/// Turns a verdict into acts. Pure but for the clock; the one switch over all ways a delivery can end.
struct ActsWriter: Sendable {
  let post: PostOffice
  let now: @Sendable () -> Timestamp

  /// - Parameter holders: whose the ids of messages that are buried are.
  func acts(for verdict: Verdict, holders: [String: JobIDHolder] = [:]) -> Acts {
    switch verdict {
    case .ended(let end, let delivery): ended(end, delivery)
    case .closed(let run): closed(run)
    case .known(let arrival, let run): known(arrival, run)
    case .park: fatalError("Bug: a job is parked by Parker, whose commit makes the copy the job")
    case .handBack(let arrival, let delay, _), .rest(let arrival, let delay, _):
      copy(arrival.delivery, post.handBack(arrival.delivery, firstSeen: arrival.firstSeen, after: delay))
    case .stale(let delivery): Acts(delivery)
    case .move(let arrival, let lane, _):
      copy(arrival.delivery, post.move(arrival.delivery, to: lane, firstSeen: arrival.firstSeen))
    case .identify(let delivery, let id): copy(delivery, post.identified(delivery, id: id))
    case .bury(let delivery, let refusal): bury(delivery, refusal, holders)
    }
  }

  private func copy(_ delivery: Delivery, _ dispatch: Dispatch) -> Acts {
    Acts(delivery, first: dispatch)
  }

  private func ended(_ end: RunEnd, _ delivery: Delivery) -> Acts {
    let run = end.run
    let result = result(of: end)
    let event = result.withoutOutput()
    let output = end.success?.reply.output
    return Acts(
      delivery,
      first: letter(end.fault, delivery, attempts: run.lease.attempt, firstSeen: run.firstSeen, run: run.lease.run),
      finish: Finish(
        job: run.job, leaseID: run.lease.leaseID, run: run.lease.run, status: result.status,
        result: event, output: output, attempt: run.lease.attempt,
        costs: end.unwritten.map { AttemptCost(attempt: $0.attempt, event: $0.encoded(), spent: run.spent($0)) },
        month: run.plan.limits.isMetered ? run.lease.month : nil),
      costs: run.earlierCosts.compactMap { post.cost(announcing: $0) } + end.events.map { post.cost($0) },
      results: post.results(ResultEvent.joined(event, output: output), of: result, to: delivery),
      forget: (run.job.id, run.lease.attempt), end: end)
  }

  private func result(of end: RunEnd) -> ResultEvent {
    let run = end.run
    var result = ResultEvent(
      jobID: run.job.id, userID: run.job.userID, tier: run.plan.tier.code, taskType: run.job.taskType.rawValue,
      status: end.fault?.status ?? .succeeded, run: run.lease.run, finishedAt: now())
    result.describe(run.job)
    result.queuedAt = run.firstSeen
    result.startedAt = run.startedAt
    result.fault = end.fault
    result.add(earlier: run.earlierCosts)
    result.attempts += end.attempts
    result.skipped = end.skipped
    result.cost = end.events.reduce(result.cost) { $0 + $1.cost.amount }
    if let (candidate, reply) = end.success {
      result.provider = candidate.provider.name
      result.model = candidate.model
      result.modelVersion = reply.modelVersion ?? candidate.version
      result.usage = reply.usage
    }
    return result
  }

  /// The letter of a run whose end leaves one.
  private func letter(
    _ fault: ResultEvent.Fault?, _ delivery: Delivery, attempts: Int, firstSeen: Timestamp, run: String
  ) -> Dispatch? {
    guard let fault, fault.resting != .gone else { return nil }
    return post.letter(
      delivery, code: fault.code, detail: fault.message, attempts: attempts, firstSeen: firstSeen, run: run, at: now())
  }

  private func closed(_ closed: ClosedRun) -> Acts {
    let (arrival, job) = (closed.arrival, closed.arrival.job)
    let run = closed.run ?? RunStamp.of(job.digest, after: arrival.delivery.replays)
    var result = ResultEvent(
      jobID: job.id, userID: job.userID, tier: closed.tier, taskType: job.taskType.rawValue,
      status: closed.fault.status, run: run, finishedAt: now())
    result.describe(job)
    result.queuedAt = arrival.firstSeen
    result.fault = closed.fault
    result.skipped = closed.passedOver
    result.add(earlier: closed.costs)
    let event = result.withoutOutput()
    return Acts(
      arrival.delivery,
      first: letter(
        closed.fault, arrival.delivery, attempts: closed.attempt, firstSeen: arrival.firstSeen, run: run),
      finish: Finish(
        job: job, leaseID: nil, run: run, status: result.status, result: event,
        output: nil, attempt: closed.attempt, costs: []),
      costs: closed.costs.compactMap { post.cost(announcing: $0) },
      results: post.results(event, of: result, to: arrival.delivery),
      forget: closed.attempt > 0 ? (job.id, closed.attempt) : nil)
  }

  func known(_ arrival: Arrival, _ run: FinishedRun) -> Acts {
    let job = arrival.job
    return Acts(
      arrival.delivery, costs: run.costs.compactMap { post.cost(announcing: $0) },
      results: post.results(
        ResultEvent.joined(run.result, output: run.output), messageID: "\(job.id)/\(run.run)",
        routingKey: ResultEvent.routingKey(task: job.taskType.rawValue, status: run.status), to: arrival.delivery),
      forget: run.costs.isEmpty ? nil : (job.id, run.attempts))
  }

  /// A job that the door let in has ended with this, if these are its very bytes: what else came under its id is none of it,
  /// and who waits for it is told nothing.
  private func bury(
    _ delivery: Delivery, _ refusal: JobMessage.Refusal, _ holders: [String: JobIDHolder]
  ) -> Acts {
    let digest = delivery.digest
    let run = RunStamp.of(digest, after: delivery.replays)
    let letter = post.letter(
      delivery, code: refusal.code, detail: refusal.detail, attempts: 0, firstSeen: delivery.firstSeen ?? now(),
      run: run, at: now())
    guard let jobID = delivery.buriedJob(refusal) else { return Acts(delivery, first: letter) }
    let mark: DoorMark?
    switch holders[jobID] ?? .nobody {
    case .nobody: mark = nil
    case .accepted(let own) where own.digest == digest: mark = own
    case .known(digest): mark = nil  // it came before, and may not have been announced
    case .accepted, .known: return Acts(delivery, first: letter)
    }
    guard let userID = refusal.userID ?? mark.flatMap({ Identifier.text(base64url: $0.userKey) }) else {
      return Acts(delivery, first: letter)
    }
    var result = ResultEvent(
      jobID: jobID, userID: userID, tier: mark?.tier, taskType: refusal.taskType, status: .failed, run: run,
      finishedAt: now())
    result.queuedAt = mark?.acceptedAt
    result.fault = ResultEvent.Fault(refusal.code, refusal.detail)
    let event = result.withoutOutput()
    return Acts(
      delivery, first: letter,
      finish: mark.map { Finish(burying: jobID, $0, taskType: refusal.taskType, run: run, result: event) },
      results: post.results(event, of: result, to: delivery))
  }
}

extension Delivery {
  /// Which job the message was to be, as far as that can be said.
  func buriedJob(_ refusal: JobMessage.Refusal) -> String? {
    guard refusal.code != .idConflict else { return nil }
    return refusal.jobID ?? messageID.flatMap { Identifier.isValid($0) ? $0 : nil }
  }
}

extension ResultEvent.Fault {
  /// - Parameter note: who wants it and why, `by anna: wrong text`.
  package static func cancelled(_ note: String) -> ResultEvent.Fault {
    ResultEvent.Fault(.cancelled, "cancelled \(note)")
  }
}

extension ResultEvent {
  fileprivate mutating func describe(_ job: Job) {
    seriesID = job.seriesID
    metadata = job.metadata
  }

  /// Attempts of the run that somebody else made, as far as their cost events tell.
  package mutating func add(earlier costs: [[UInt8]]) {
    for bytes in costs {
      guard let event = CostEvent.reading(bytes) else { continue }
      attempts.append(
        Attempt(
          number: event.attempt, provider: event.provider, model: event.model, outcome: event.outcome,
          milliseconds: 0))
      cost = cost + event.cost.amount
    }
  }
}
