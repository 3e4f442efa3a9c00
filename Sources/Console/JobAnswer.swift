import Contracts
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
    switch job.reason {
    case "concurrency":
      let limit = job.limit.map { "\($0)" } ?? "?"
      return ("Waits as intended: \(user) runs \(job.active ?? 0) of \(limit) at once\(tier).", "calm")
    case "rate": return ("Waits as intended: \(user) has started as many as its rate allows\(tier).", "calm")
    case "money_reserved":
      return ("Waits as intended: the rest of \(user)'s cost cap is held for jobs that run.", "calm")
    case "quota_reserved":
      return ("Waits as intended: the rest of \(user)'s quota is held for jobs that run.", "calm")
    case "not_before": return ("Waits as intended: the job asked not to start yet.", "calm")
    case "parents":
      let parents = job.parents.map { "\($0.succeeded) of \($0.all) have succeeded" } ?? "not all have succeeded"
      return ("Waits as intended for other jobs: \(parents).", "calm")
    case "running_elsewhere": return ("Another delivery of this job runs.", "warn")
    case "provider_resting": return ("Waits for us: its providers rest (\(resting(job))).", "bad")
    case "catching_up": return ("Waits for us: what \(user) has spent is being counted again.", "bad")
    case "hold":
      return (
        "Waits for us: Redis lost its memory, nothing starts for \(Explanation.words(job.holdSeconds ?? 0)).", "bad"
      )
    case "slot": return ("Waits for us: no limit stands against it, it lacks a free slot.", "warn")
    case .some(let reason): return ("Waits: \(reason).", "warn")
    case nil: return ("Waits.", "warn")
    }
  }

  private static func resting(_ job: Explanation) -> String {
    let parts = job.resting.prefix(5).map { "\($0.provider): \(ProviderStanding.why($0.reason) ?? $0.reason)" }
    return parts.isEmpty ? "tried again in a moment" : parts.joined(separator: "; ")
  }
}
