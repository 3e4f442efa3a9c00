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
    func add(_ name: String, used: String?, of limit: String?, reasons: [String], isFull: Bool = false) {
      guard let limit else { return }
      let binds = job.reason.map { reasons.contains($0) } ?? false
      rows.append(
        fields([
          "name": name, "used": used ?? Figure.unknown, "of": limit, "severity": binds || isFull ? "warn" : "calm",
          "says": binds ? "this one binds" : isFull ? "would bind next" : "no",
        ]))
    }
    let used = job.month?.used
    func isFull(_ used: Int64?, _ limit: Int?) -> Bool {
      guard let used, let limit else { return false }
      return used >= Int64(limit)
    }
    add(
      "jobs at once", used: job.active.map { Figure.count($0) }, of: limits.concurrency.map { Figure.count($0) },
      reasons: ["concurrency"],
      isFull: job.active.map { active in limits.concurrency.map { active >= $0 } ?? false } ?? false)
    add("starts a minute", used: nil, of: limits.rpm.map { Figure.count($0) }, reasons: ["rate"])
    add("starts a second", used: nil, of: limits.rps.map { Figure.count($0) }, reasons: ["rate"])
    add(
      "USD a month, with what is held", used: used.map { Figure.usd($0.usd) },
      of: limits.monthlyUsd.map { Figure.usd($0) }, reasons: ["money_reserved", "catching_up"])
    add(
      "tokens a month", used: used.map { Figure.count(Int($0.tokens)) }, of: limits.tokens.map { Figure.count($0) },
      reasons: ["quota_reserved"], isFull: isFull(used?.tokens, limits.tokens))
    add(
      "seconds of audio a month", used: used?.audioSeconds, of: limits.audioSeconds.map { Figure.count($0) },
      reasons: ["quota_reserved"])
    add(
      "minutes of video a month", used: used.map { "\($0.videoSeconds) s" },
      of: limits.videoMinutes.map { Figure.count($0) }, reasons: ["quota_reserved"])
    add(
      "jobs a month", used: used.map { Figure.count(Int($0.jobs)) }, of: limits.jobs.map { Figure.count($0) },
      reasons: ["quota_reserved"], isFull: isFull(used?.jobs, limits.jobs))
    self.rows = rows
  }
}
