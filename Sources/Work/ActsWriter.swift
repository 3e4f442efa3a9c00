import Admission
import Catalog
import Contracts
import Lanes
import Providers

/// Turns a verdict into acts. Pure but for the clock; the one switch over all ways a delivery can end.
struct ActsWriter: Sendable {
  let post: PostOffice
  let now: @Sendable () -> Timestamp

  func acts(for verdict: Verdict) -> Acts {
    switch verdict {
    case .ended(let end): ended(end)
    case .closed(let run): closed(run)
    case .known(let arrival, let run): known(arrival, run)
    case .handBack(let arrival, let delay, _):
      copy(arrival.delivery, post.handBack(arrival.delivery, firstSeen: arrival.firstSeen, after: delay))
    case .move(let arrival, let lane, _):
      copy(arrival.delivery, post.move(arrival.delivery, to: lane, firstSeen: arrival.firstSeen))
    case .identify(let delivery, let id): copy(delivery, post.identified(delivery, id: id))
    case .bury(let delivery, let refusal): bury(delivery, refusal)
    }
  }

  private func copy(_ delivery: Delivery, _ dispatch: Dispatch) -> Acts {
    var acts = Acts(delivery)
    acts.first = dispatch
    return acts
  }

  private func ended(_ end: RunEnd) -> Acts {
    let run = end.run
    var acts = Acts(run.delivery)
    var result = ResultEvent(
      jobID: run.job.id, userID: run.job.userID, tier: run.plan.tier.code, taskType: run.job.taskType.rawValue,
      status: end.fault?.code.status ?? .succeeded, run: run.lease.run, finishedAt: now())
    result.describe(run.job)
    result.queuedAt = run.firstSeen
    result.startedAt = run.startedAt
    result.fault = end.fault
    result.add(earlier: run.earlierCosts)
    result.attempts += end.attempts
    result.cost = end.events.reduce(result.cost) { $0 + $1.cost.amount }
    if let (candidate, reply) = end.success {
      result.provider = candidate.provider.name
      result.model = candidate.model
      result.modelVersion = reply.modelVersion ?? candidate.version
      result.usage = reply.usage
    }
    let event = result.withoutOutput()
    let output = end.success?.reply.output
    let encoded = end.unwritten.map { (attempt: $0.attempt, event: $0.encoded()) }
    if let fault = end.fault, fault.code.resting == .dead {
      acts.first = post.letter(
        run.delivery, code: fault.code, detail: fault.message, attempts: run.lease.attempt,
        firstSeen: run.firstSeen, run: run.lease.run)
    }
    acts.finish = Finish(
      job: run.job, lane: run.lane, leaseID: run.lease.leaseID, run: run.lease.run, status: result.status,
      result: event, output: output, attempt: run.lease.attempt, costs: encoded)
    acts.costs = run.earlierCosts.compactMap { post.cost(announcing: $0) } + end.events.map { post.cost($0) }
    acts.results = post.results(ResultEvent.joined(event, output: output), of: result, to: run.delivery)
    acts.forget = (run.job.id, run.lease.attempt)
    acts.end = end
    return acts
  }

  private func closed(_ closed: ClosedRun) -> Acts {
    let job = closed.arrival.job
    var acts = Acts(closed.arrival.delivery)
    let run = closed.run ?? RunStamp.of(job.digest)
    var result = ResultEvent(
      jobID: job.id, userID: job.userID, tier: closed.tier, taskType: job.taskType.rawValue,
      status: closed.fault.code.status, run: run, finishedAt: now())
    result.describe(job)
    result.queuedAt = closed.arrival.firstSeen
    result.fault = closed.fault
    result.add(earlier: closed.costs)
    let event = result.withoutOutput()
    if closed.fault.code.resting == .dead {
      acts.first = post.letter(
        closed.arrival.delivery, code: closed.fault.code, detail: closed.fault.message, attempts: closed.attempt,
        firstSeen: closed.arrival.firstSeen, run: run)
    }
    acts.finish = Finish(
      job: job, lane: closed.arrival.lane ?? .low, leaseID: nil, run: run, status: result.status, result: event,
      output: nil, attempt: closed.attempt, costs: [])
    acts.costs = closed.costs.compactMap { post.cost(announcing: $0) }
    acts.results = post.results(event, of: result, to: closed.arrival.delivery)
    if closed.attempt > 0 { acts.forget = (job.id, closed.attempt) }
    return acts
  }

  func known(_ arrival: Arrival, _ run: FinishedRun) -> Acts {
    var acts = Acts(arrival.delivery)
    let job = arrival.job
    acts.costs = run.costs.compactMap { post.cost(announcing: $0) }
    acts.results = post.results(
      ResultEvent.joined(run.result, output: run.output), messageID: "\(job.id)/\(run.run)",
      routingKey: ResultEvent.routingKey(task: job.taskType.rawValue, status: run.status), to: arrival.delivery)
    if !run.costs.isEmpty { acts.forget = (job.id, run.costs.count) }
    return acts
  }

  private func bury(_ delivery: Delivery, _ refusal: JobMessage.Refusal) -> Acts {
    var acts = Acts(delivery)
    let run = RunStamp.of(JobMessage.digest(of: delivery.body))
    acts.first = post.letter(
      delivery, code: refusal.code, detail: refusal.detail, attempts: 0, firstSeen: delivery.firstSeen ?? now(),
      run: run)
    guard refusal.code != .idConflict, let jobID = refusal.jobID, let userID = refusal.userID else { return acts }
    var result = ResultEvent(
      jobID: jobID, userID: userID, tier: nil, taskType: refusal.taskType, status: .failed, run: run,
      finishedAt: now())
    result.fault = ResultEvent.Fault(refusal.code, refusal.detail)
    acts.results = post.results(result.withoutOutput(), of: result, to: delivery)
    return acts
  }
}

extension ResultEvent {
  fileprivate mutating func describe(_ job: Job) {
    seriesID = job.seriesID
    metadata = job.metadata
  }

  /// Attempts of the run that somebody else made, as far as their cost events tell.
  fileprivate mutating func add(earlier costs: [[UInt8]]) {
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
