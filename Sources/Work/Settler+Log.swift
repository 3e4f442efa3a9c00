import Admission
import Contracts
import Lanes
import Logging

// What an operator reads when following a job by its id, beside "admitted" and "over the limit": every other way that a
// delivery can go has one line here.

extension Settler {
  /// When a verdict is taken up.
  func log(_ verdict: Verdict) {
    switch verdict {
    case .ended, .park: break  // said when it is settled, or when it was refused
    case .handBack(_, _, let reason) where reason.isLimit: break
    case .closed(let run):
      logger.info(
        "ended without a run here",
        metadata: [
          LogKey.job: .string(run.arrival.job.id), LogKey.tier: .string(run.tier),
          LogKey.outcome: .string(run.fault.code.rawValue),
          LogKey.reason: .string(run.fault.message), LogKey.attempt: "\(run.attempt)",
        ])
    case .known(let arrival, let run):
      logger.info(
        "ended before, announced again",
        metadata: [
          LogKey.job: .string(arrival.job.id), LogKey.run: .string(run.run),
          LogKey.outcome: .string(run.status.rawValue),
        ])
    case .handBack(let arrival, let delay, let reason): logHandBack(arrival, delay, reason)
    case .rest(let arrival, let delay, _): logHandBack(arrival, delay, .providerResting)
    case .move(let arrival, let lane, let tier):
      logger.info(
        "moved to its tier's lane",
        metadata: [
          LogKey.job: .string(arrival.job.id), LogKey.lane: .string(lane.rawValue), LogKey.tier: .string(tier),
        ])
    case .stale(let delivery):
      logger.info(
        "a later copy of the job waits, this one is dropped",
        metadata: [
          LogKey.job: "\(delivery.messageID ?? "unknown")", LogKey.lane: "\(delivery.lane?.rawValue ?? "none")",
        ])
    case .identify(_, let id):
      logger.info("a message without an id got one", metadata: [LogKey.job: "\(id)"])
    case .bury(_, let refusal):
      logger.info(
        "dead letter",
        metadata: [
          LogKey.job: "\(refusal.jobID ?? "unknown")", LogKey.user: "\(refusal.userID ?? "unknown")",
          LogKey.outcome: .string(refusal.code.rawValue), LogKey.reason: .string(refusal.detail),
        ])
    }
  }

  private func logHandBack(_ arrival: Arrival, _ delay: Duration, _ reason: WaitReason) {
    logger.info(
      "handed back",
      metadata: [
        LogKey.job: .string(arrival.job.id), LogKey.reason: .string(reason.rawValue), LogKey.retryIn: "\(delay)",
      ])
  }

  /// The last line of a job: how it ended and what it cost.
  func log(_ end: RunEnd) {
    let cost = end.events.reduce(Money.zero) { $0 + $1.cost.amount }
    logger.info(
      "settled",
      metadata: [
        LogKey.job: .string(end.run.job.id), LogKey.run: .string(end.run.lease.run),
        LogKey.outcome: .string(end.fault?.code.rawValue ?? RunStatus.succeeded.rawValue),
        LogKey.provider: "\(end.attempts.last?.provider ?? "none")", LogKey.attempt: "\(end.run.lease.attempt)",
        LogKey.cost: "\(cost)", LogKey.duration: "\(end.milliseconds)ms",
      ])
  }
}
