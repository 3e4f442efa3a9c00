import Contracts
package import Operations

extension Console {
  /// One job: why it does not run, or how it went. Its payload is not among what is known here.
  package static func job(_ job: Explanation, refusal: String? = nil, _ chrome: Chrome) -> String {
    let isOpen = ["queued", "waiting", "running"].contains(job.state)
    let answer = JobAnswer(job)
    let limits = JobLimits(job)
    let body = fields([
      "refusal": refusal, "job": job.job, "user": job.user, "userHref": job.user.map { link("users", $0) },
      "tier": job.tier, "lane": job.lane, "laneHref": job.lane.map { link("lanes", $0) },
      "sentence": answer.sentence, "severity": answer.severity, "facts": jobFacts(job),
      "advice": job.advice, "hasAdvice": !job.advice.isEmpty,
      "mayCancel": chrome.mayAct && isOpen, "cancelHref": link("jobs", job.job, "cancel"),
      "cancelSays": job.state == "running"
        ? "Its worker ends it within two seconds; what the provider has done is charged."
        : "It ends at once; nothing is charged.",
      "plan": chrome.mayAct ? plan(for: job) : nil,
      "binds": limits.rows, "hasBinds": !limits.rows.isEmpty,
      "holders": job.holders.map { holderFields($0, at: job.time) }, "hasHolders": !job.holders.isEmpty,
      "trail": job.trail.map { fields(["at": Clock.shown($0.time), "what": $0.what]) }, "hasTrail": !job.trail.isEmpty,
      "money": jobMoney(job),
      "attempts": job.attempts.map(attemptFields), "hasAttempts": !job.attempts.isEmpty,
      "hasCosts": job.attempts.contains { $0.costUsd != nil },
      "skips": job.skipped.map { skip in
        fields([
          "provider": skip.provider, "model": skip.model, "version": skip.version, "why": words(skipped: skip.reason),
        ])
      },
      "hasSkips": !job.skipped.isEmpty,
    ])
    return Pages.page(
      "job", "Job \(job.job)", at: "jobs", chrome, live: isOpen ? "page \(link("jobs", job.job, "events"))" : nil, body)
  }

  /// What makes a plan of its letter, where it has one that may go out again.
  private static func plan(for job: Explanation) -> Fields? {
    guard let kind = LettersPage.Kind(rawValue: job.state),
      kind == .blocked || job.error.flatMap({ EndCode(rawValue: $0.code) })?.isReplayable == true
    else { return nil }
    return ["kind": kind.rawValue, "verb": kind.verb]
  }

  private static func jobFacts(_ job: Explanation) -> [Fields] {
    var facts: [Fields] = []
    func add(_ name: String, _ value: String?, at time: String? = nil, more: String? = nil) {
      if let value { facts.append(fields(["name": name, "value": value, "at": Clock.shown(time), "more": more])) }
    }
    if job.state == "unknown" {
      add("because", "never published, not delivered yet, or forgotten after its time. The ledger keeps what it cost.")
      return facts
    }
    if job.state == "waiting" {
      add("since", Clock.span(job.waitingSince, job.time), more: "waiting")
      add("place", job.position.map { $0 == 1 ? "the next of this user" : "\(Figure.count($0)) in this user's line" })
      add(
        "start", job.expectedStartSeconds.map { "in about \(Explanation.words($0)), at" }, at: job.expectedStart,
        more: "by what runs of this user took; an estimate")
    }
    if job.state == "running" { add("since", Clock.span(job.runningSince, job.time), more: "running") }
    add("error", job.error.map { $0.message.isEmpty ? $0.code : "\($0.code): \($0.message)" })
    add("run", job.run, more: job.attempt.map { "attempt \($0)" })
    if ["waiting", "queued"].contains(job.state), let slots = job.slots {
      add(
        "fleet",
        "\(Figure.count(job.busy ?? 0)) of \(Figure.count(slots, "slot")) busy, "
          + Figure.count(job.workers ?? 0, "worker")
      )
    }
    return facts
  }

  private static func jobMoney(_ job: Explanation) -> [Fields] {
    var rows: [Fields] = []
    func add(_ name: String, _ value: String?) {
      if let value { rows.append(["name": name, "value": value]) }
    }
    add("this job", job.costUsd.map { Figure.usd($0) })
    if let month = job.month {
      add("\(job.period ?? "month")", "\(Figure.usd(month.base.usd)) of this user is in the ledger")
      add("held", "\(Figure.usd(month.open.usd)) for jobs that run, or not booked yet")
    }
    return rows
  }

  private static func holderFields(_ holder: Explanation.Holder, at time: String) -> Fields {
    fields([
      "holder": holder.kind == "claim" ? "about to start" : holder.job ?? "a job", "worker": holder.worker,
      "href": holder.kind == "claim" ? nil : holder.job.map { link("jobs", $0) },
      "since": Clock.shown(holder.since), "for": Clock.span(holder.since, time),
    ])
  }

  private static func attemptFields(_ attempt: Explanation.Attempt) -> Fields {
    fields([
      "n": attempt.n, "provider": attempt.provider, "model": attempt.model, "outcome": attempt.outcome,
      "severity": attempt.outcome == AttemptOutcome.success.rawValue
        ? "calm" : attempt.outcome == "running" ? "warn" : "bad",
      "took": attempt.milliseconds.map { Figure.words(.milliseconds($0)) } ?? Figure.unknown,
      "cost": attempt.costUsd.map { Figure.usd($0) } ?? Figure.unknown,
      "skips": attempt.skipped.map { "\($0.provider)/\($0.model): \(words(skipped: $0.reason))" }
        .joined(separator: "; "),
    ])
  }

  /// `no_capability` reads `no capability`.
  private static func words(skipped reason: String) -> String { reason.replacing("_", with: " ") }
}
