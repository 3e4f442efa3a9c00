import Admission
import Operations

/// The first sentence about a job: what it does, or what it waits for and whether that is as intended.
struct JobAnswer {
  let sentence: String
  let severity: String

  init(_ job: Explanation) {
    switch job.state {
    case "waiting": (sentence, severity) = Self.waiting(job)
    case "running" where job.isAbandoned:
      (sentence, severity) = ("Its worker is gone. Whoever gets its message next takes it over.", "warn")
    case "running":
      let how = Self.place(job).map { " at \($0)" } ?? ""
      (sentence, severity) = ("Runs\(how), attempt \(job.attempt ?? 1).", "calm")
    case "queued" where job.workers == 0: (sentence, severity) = ("Queued, and no worker is there.", "bad")
    case "queued" where job.acceptedAt != nil:
      (sentence, severity) = ("Queued: no worker has looked at it yet.", "warn")
    case "queued": (sentence, severity) = ("Between two attempts: its next delivery asks again.", "warn")
    case "succeeded": (sentence, severity) = ("Succeeded.", "calm")
    case "cancelled": (sentence, severity) = ("Cancelled.", "ink")
    case "blocked": (sentence, severity) = ("Blocked: a limit of \(job.user ?? "its user") is used up.", "warn")
    case "dead": (sentence, severity) = ("Dead\(Self.fault(job)).", "bad")
    case "failed": (sentence, severity) = ("Failed\(Self.fault(job)).", "bad")
    default:
      (sentence, severity) = ("Not known here.", "ink")
    }
  }

  private static func fault(_ job: Explanation) -> String { job.error.map { ": \($0.code)" } ?? "" }

  private static func place(_ job: Explanation) -> String? { job.attempts.last?.provider }

  private static func waiting(_ job: Explanation) -> (String, String) {
    let user = job.user ?? "its user"
    let tier = job.tier.map { " (tier \($0))" } ?? ""
    switch job.cause {
    case .reason(.concurrency):
      let used = "\(job.active ?? 0) of \(job.limit.map { "\($0)" } ?? "?")"
      return job.isAtConcurrency
        ? ("Waits as intended: \(user) is at its concurrency, \(used)\(tier).", "calm")
        : ("Waits for its turn: of \(user)'s concurrency \(used) is used, and the next job is asked about.", "calm")
    case .reason(.rate): return ("Waits as intended: \(user) has started as many as its rate allows\(tier).", "calm")
    case .reason(.moneyReserved):
      return held("cost cap", of: user, job)
    case .reason(.quotaReserved):
      return held("quota", of: user, job)
    case .reason(.notBefore): return ("Waits as intended: the job asked not to start yet.", "calm")
    case .reason(.parents):
      let parents = job.parents.map { "\($0.succeeded) of \($0.all) have succeeded" } ?? "not all have succeeded"
      return ("Waits as intended for other jobs: \(parents).", "calm")
    case .reason(.runningElsewhere): return ("Another delivery of this job runs.", "warn")
    case .reason(.providerResting): return ("Waits for us: its providers do not serve (\(resting(job))).", "bad")
    case .reason(.catchingUp): return ("Waits for us: what \(user) has spent is being counted again.", "bad")
    case .hold:
      return (
        "Waits for us: Redis lost its memory, nothing starts for \(Explanation.words(job.holdSeconds ?? 0)).", "bad"
      )
    case .slot where job.workers == 0: return ("Waits for us: no worker is there.", "bad")
    case .slot where job.isFull: return ("Waits for us: \(Explanation.full(job.slots ?? 0)).", "warn")
    case .slot: return ("Waits for us: nothing stands against it, and a worker has to take it.", "warn")
    case nil: return ("Waits.", "warn")
    }
  }

  /// For what nobody has booked a user cannot wait as intended.
  private static func held(_ limit: String, of user: String, _ job: Explanation) -> (String, String) {
    (job.active ?? 0) > 0
      ? ("Waits as intended: the rest of \(user)'s \(limit) is held for jobs that run.", "calm")
      : ("Waits for billing: the rest of \(user)'s \(limit) is held for what has ended and is not booked yet.", "warn")
  }

  private static func resting(_ job: Explanation) -> String {
    let parts = job.resting.prefix(5).map(\.words)
    return parts.isEmpty ? "tried again in a moment" : parts.joined(separator: "; ")
  }
}
