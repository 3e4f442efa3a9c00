import Admission
import Catalog
import Contracts
import Lanes

// An attempt that was left alone and goes on at its provider.

extension Pipeline {
  /// Takes over an attempt that its provider works on in the background, so that nothing is bought again. False where
  /// there is no such attempt.
  func goOn(
    _ question: Question, run: String, attempt: Int, intent bytes: [UInt8], month: String, into passed: inout Passed
  ) async throws(AdmissionError) -> Bool {
    let arrival = question.arrival
    let planner = planner()
    guard let intent = Intent(decoding: bytes), let task = intent.remoteTask,
      let provider = planner.policy.providers[intent.provider], let plan = question.plan
    else { return false }
    let lease = HeldLease(
      job: arrival.job, leaseID: question.request.leaseID, run: run, attempt: attempt, intent: bytes, month: month,
      worst: question.request.worst)
    let reply = try await desk.continueAttempt(
      arrival.job, run: run, attempt: attempt, leaseID: lease.leaseID, limit: plan.tier.concurrency)
    switch reply {
    case .lost: passed.again.append(arrival.unclaimed)
    case .full:
      let pause = Duration.seconds(1 << min(arrival.delivery.trips, Backoff.longest))
      passed.verdicts.append(.handBack(arrival, after: pause, .concurrency))
    case .hold(let time):
      passed.held.append(arrival.unclaimed)
      passed.hold = max(passed.hold ?? .zero, time)
    case .continued(_, let active, let at, let costs):
      let listing = planner.policy.models.first {
        $0.provider == intent.provider && $0.model == intent.model && $0.version == intent.version
      }
      let choice = Router.Choice(
        provider: provider, model: intent.model, version: intent.version, id: listing?.id ?? intent.model,
        contextTokens: listing?.contextTokens)
      var candidate = Plan.Candidate(
        choice, price: planner.prices.price(provider: intent.provider, model: intent.model, at: intent.at))
      candidate.worst = lease.worst
      let resumed = Plan(tier: plan.tier, limits: plan.limits, candidates: [candidate])
      passed.started.append(
        Run(
          arrival: arrival, plan: resumed, lane: question.request.lane, lease: lease, startedAt: at,
          earlierCosts: costs,
          remoteTask: task))
      log(question, resumed, run, attempt, active: active)
    }
    return true
  }
}
