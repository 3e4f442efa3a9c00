import Admission
import Contracts

// What has happened so far, and what can be done.

extension Explanation {
  /// In the order of their times.
  func steps(_ standing: JobStanding, _ result: JSONValue?) -> [Step] {
    var steps: [Step] = []
    func add(_ time: String?, _ what: String) {
      if let time { steps.append(Step(time: time, what: what)) }
    }
    add(acceptedAt, "was accepted by the gateway")
    add(result?["queuedAt"]?.string, "was published or first seen")
    if let wait = standing.wait { add(wait.since.description, "had to wait: \(wait.reason.rawValue)") }
    add(result?["startedAt"]?.string, "was admitted as run \(standing.run ?? "unknown")")
    if standing.state == .running {
      add(runningSince, "attempt \(standing.attempt) of run \(standing.run ?? "unknown") began")
    }
    add(result?["finishedAt"]?.string, "ended: \(error.map { "\(state), \($0.code)" } ?? state)")
    return steps.sorted { $0.time < $1.time }
  }

  func advised(_ standing: JobStanding, _ figures: FleetFigures) -> [String] {
    let set = "tollway users set \(user ?? "USER")"
    switch state {
    case "waiting": return forWaiting(standing, figures, set)
    case "running" where isAbandoned:
      return ["nothing to do: its worker is gone, and who gets its message next takes over"]
    case "queued" where figures.workers.isEmpty: return ["start workers: none is there"]
    case "blocked": return ["raise the limit (\(set) ...), then tollway blocked release \(job)"]
    case "dead":
      let isReplayable = error.flatMap { EndCode(rawValue: $0.code) }?.isReplayable == true
      return ["tollway dead show \(job)"] + (isReplayable ? ["mend the cause, then tollway dead replay \(job)"] : [])
    default: return []
    }
  }

  private func forWaiting(_ standing: JobStanding, _ figures: FleetFigures, _ set: String) -> [String] {
    var advice: [String] = []
    let isFull = isFull
    switch cause {
    case .reason(.concurrency):
      let more = isFull ? "; and add workers or slots, for all are busy" : ""
      advice = ["raise the limit: \(set) --concurrency \((limit ?? 1) + 1)\(more)"]
    case .reason(.rate): advice = ["raise the rate: \(set)\(rateFlags)"]
    case .reason(.moneyReserved):
      advice = ["raise the cap: \(set) --monthly-usd DOLLARS\(orWait)"]
    case .reason(.quotaReserved):
      advice = ["raise the quota: \(set)\(quotaFlags)\(orWait)"]
    case .reason(.catchingUp):
      advice = ["see that tollway billing runs: it says what was spent before Redis lost its memory"]
    case .reason(.notBefore), .slot, nil: break
    case .reason(.runningElsewhere): advice = ["nothing to do: its other delivery runs"]
    case .reason(.providerResting):
      // What somebody took out is never tried.
      let held = resting.filter { $0.retryAt == nil }.map { "tollway providers release \($0.provider)" }
      advice = held.isEmpty ? ["tollway providers says why they rest and when they are tried again"] : held
    case .reason(.parents):
      advice = ["nothing to do: it starts soon after the last of them; if one fails, so does it"]
    case .hold: advice = ["nothing to do: it ends by itself"]
    }
    if figures.workers.isEmpty {
      advice.append("start workers: none is there")
    } else if isFull, cause == .slot {
      advice.append("add workers or slots: all are busy")
    }
    return advice
  }

  /// What gives back what is held of a month.
  private var orWait: String {
    (active ?? 0) > 0
      ? "; or wait for the user's running jobs" : "; or see that tollway billing runs: what has ended is not booked yet"
  }

  /// Whether the user's jobs hold all the slots that they may.
  package var isAtConcurrency: Bool { limit.map { (active ?? 0) >= $0 } ?? true }

  /// Whether no slot of the fleet is free.
  package var isFull: Bool { slots.flatMap { slots in busy.map { $0 >= slots } } ?? false }

  /// What a waiting job waits for now; nil for one that does not, and for a reason of a newer release.
  package var cause: WaitCause? { reason.flatMap { WaitCause(rawValue: $0) } }

  private var rateFlags: String {
    let flags = [limits?.rpm == nil ? nil : " --rpm N", limits?.rps == nil ? nil : " --rps N"].compactMap { $0 }
    return flags.isEmpty ? " --rpm N" : flags.joined()
  }

  private var quotaFlags: String {
    let flags = [
      limits?.tokens == nil ? nil : " --tokens N", limits?.audioSeconds == nil ? nil : " --audio-seconds N",
      limits?.videoMinutes == nil ? nil : " --video-minutes N", limits?.jobs == nil ? nil : " --jobs N",
    ].compactMap { $0 }
    return flags.isEmpty ? " ..." : flags.joined()
  }

  /// Whether nobody holds the lease of a job that ought to run. Not said as long as one of the slots could be its.
  package var isAbandoned: Bool {
    state == "running" && !holders.contains { $0.job == job || ($0.job == nil && $0.kind == "run") }
  }
}
