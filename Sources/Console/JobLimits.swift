import Admission
import Contracts
import Operations

/// The limits that a waiting job is judged by: what is used of each, and which of them binds.
struct JobLimits {
  let rows: [Fields]

  init(_ job: Explanation) {
    guard job.state == "waiting", let limits = job.limits else {
      rows = []
      return
    }
    var rows: [Fields] = []
    func add(
      _ name: LimitName, _ note: String = "", used: String?, of limit: String?, by reasons: [WaitReason],
      isFull: Bool = false
    ) {
      guard let limit else { return }
      let binds = reasons.contains { job.cause == .reason($0) }
      rows.append(
        fields([
          "name": name.label + note, "used": used ?? Figure.unknown, "of": limit,
          "severity": binds || isFull ? "warn" : "calm",
          "says": binds ? "this one binds" : isFull ? "would bind next" : "no",
        ]))
    }
    let used = job.month?.used
    func isFull(_ used: Int64?, _ limit: Int?) -> Bool {
      guard let used, let limit else { return false }
      return used >= Int64(limit)
    }
    add(
      .concurrency, used: job.active.map { Figure.count($0) }, of: limits.concurrency.map { Figure.count($0) },
      by: [.concurrency],
      isFull: job.active.map { active in limits.concurrency.map { active >= $0 } ?? false } ?? false)
    add(.rpm, used: nil, of: limits.rpm.map { Figure.count($0) }, by: [.rate])
    add(.rps, used: nil, of: limits.rps.map { Figure.count($0) }, by: [.rate])
    add(
      .monthlyUsd, ", with what is held", used: used.map { Figure.usd($0.usd) },
      of: limits.monthlyUsd.map { Figure.usd($0) }, by: [.moneyReserved, .catchingUp])
    add(
      .tokens, used: used.map { Figure.count(Int($0.tokens)) }, of: limits.tokens.map { Figure.count($0) },
      by: [.quotaReserved], isFull: isFull(used?.tokens, limits.tokens))
    add(
      .audioSeconds, used: used?.audioSeconds, of: limits.audioSeconds.map { Figure.count($0) },
      by: [.quotaReserved])
    add(
      .videoMinutes, used: used.flatMap { ExactDecimal($0.videoSeconds) }.map { Figure.minutes($0) },
      of: limits.videoMinutes.map { Figure.count($0) }, by: [.quotaReserved])
    add(
      .jobs, used: used.map { Figure.count(Int($0.jobs)) }, of: limits.jobs.map { Figure.count($0) },
      by: [.quotaReserved], isFull: isFull(used?.jobs, limits.jobs))
    self.rows = rows
  }
}
