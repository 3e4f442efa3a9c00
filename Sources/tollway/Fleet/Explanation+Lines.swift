import Admission
import Contracts
import Operations

// An explanation as a person reads it: what is the matter, who is in front, what happened, what helps.

extension Explanation {
  func lines(_ style: Style) -> [String] {
    var lines = facts.lines(style)
    if !holders.isEmpty { lines += [""] + holderTable.lines(style) }
    if !attempts.isEmpty { lines += [""] + attemptTable.lines(style) }
    if !skipped.isEmpty || attempts.contains(where: { !$0.skipped.isEmpty }) {
      lines += [""] + skippedTable.lines(style)
    }
    if !trail.isEmpty { lines += [""] + trailTable.lines(style) }
    if !advice.isEmpty { lines += [""] + advice.map { "→ \($0.printable)" } }
    return lines
  }

  private var facts: Facts {
    var facts = Facts()
    facts.add("job", job)
    facts.add("user", [user, tier].compactMap { $0 }.joined(separator: ", tier "))
    facts.add("state", stateText, colour)
    facts.add("because", because)
    facts.add("position", position.map { $0 == 1 ? "1, the next of this user" : "\($0) of this user" })
    facts.add(
      "expected start",
      expectedStart.flatMap { start in expectedStartSeconds.map { "\(start), in \(Self.words($0))" } })
    facts.add("where", whereText)
    facts.add("run", run.map { "\($0), attempt \(attempt ?? 0)" })
    facts.add("error", error.map { "\($0.code): \($0.message)" })
    facts.add("cost", costUsd.flatMap { Money($0) }.map { "\($0.inTable) USD" })
    facts.add("in \(period ?? "")", monthText)
    facts.add("fleet", fleetText)
    return facts
  }

  private var colour: Style.Colour? {
    switch state {
    case "succeeded", "running": isAbandoned ? .yellow : .green
    case "waiting", "queued": .yellow
    default: .red
    }
  }

  private var stateText: String {
    let lane = lane.map { " in lane \($0)" } ?? ""
    switch state {
    case "waiting": return "waiting\(lane)\(Self.since(waitingSince, now: time))"
    case "running" where isAbandoned:
      return "its worker is gone, to be taken over\(Self.since(runningSince, now: time))"
    case "running": return "running\(lane)\(Self.since(runningSince, now: time))"
    case "queued" where acceptedAt != nil: return "queued\(lane), no worker has looked at it yet"
    case "queued": return "queued\(lane) between two attempts: its next delivery asks again"
    default: return state
    }
  }

  private var because: String? {
    switch cause {
    case .reason(.concurrency):
      "concurrency \(active ?? 0)/\(limit.map { "\($0)" } ?? "?"): "
        + (isAtConcurrency ? "all slots of this user are taken" : "a slot of this user is free and about to be given")
    case .reason(.rate): "rate: \(rateText); closed\(Self.until(gate, now: time))"
    case .reason(.moneyReserved): "money: what is left of the cap of \(capText) is held for \(heldFor)"
    case .reason(.quotaReserved): "quota: what is left of \(quotaText) is held for \(heldFor)"
    case .reason(.catchingUp): "Redis lost its memory, and what was spent is not known to it yet"
    case .hold: "Redis lost its memory: nothing starts for \(Self.words(holdSeconds ?? 0))"
    case .reason(.notBefore): "the job asked not to start yet"
    case .reason(.runningElsewhere): "another delivery of this job runs"
    case .reason(.providerResting): "its providers do not serve: \(restingText)"
    case .reason(.parents): "waits for other jobs: \(parents?.succeeded ?? 0) of \(parents?.all ?? 0) have succeeded"
    case .slot where isFull: "no limit of this user: it lacks a free slot of the fleet, or those in front of it do"
    case .slot: "no limit of this user, and slots are free: a worker has to take it"
    case nil: reason
    }
  }

  /// Of what is left of a month.
  private var heldFor: String { (active ?? 0) > 0 ? "jobs that run" : "what has ended and is not booked yet" }

  private var restingText: String {
    let parts = resting.map(\.words)
    return parts.isEmpty ? "tried again in a moment" : parts.joined(separator: "; ")
  }

  private var rateText: String {
    let parts = [limits?.rpm.map { "\($0) starts a minute" }, limits?.rps.map { "\($0) a second" }].compactMap { $0 }
    return parts.isEmpty ? "limited" : parts.joined(separator: ", ")
  }

  private var capText: String { limits?.monthlyUsd.flatMap { Money($0) }.map { "\($0.inTable) USD" } ?? "the month" }

  private var quotaText: String {
    let parts = [
      limits?.tokens.map { "\($0) tokens" }, limits?.audioSeconds.map { "\($0) seconds of audio" },
      limits?.videoMinutes.map { "\($0) minutes of video" }, limits?.jobs.map { "\($0) jobs" },
    ].compactMap { $0 }
    return parts.isEmpty ? "the month" : parts.joined(separator: ", ")
  }

  private var whereText: String? {
    switch place {
    case "bay": "bay \(bay ?? 0)"
    case "parking": "on its way into bay \(bay ?? 0)"
    case "deck": "in a worker's hand"
    case "ladder": "delayed; it comes back by itself"
    default: nil
    }
  }

  private var monthText: String? {
    month.map { month in
      "\(Money(month.base.usd)?.inTable ?? month.base.usd) USD in the ledger, "
        + "\(Money(month.open.usd)?.inTable ?? month.open.usd) USD reserved or not yet there"
    }
  }

  private var fleetText: String? {
    guard state == "waiting" || state == "queued" else { return nil }
    return "\(busy ?? 0) of \(slots ?? 0) slots busy, \(workers ?? 0) workers"
  }

  private var holderTable: Table {
    var table = Table(["SLOT HELD BY", "JOB", "SINCE", .number("SECONDS")])
    let now = Timestamp(time)
    for holder in holders {
      let age = holder.since.flatMap { Timestamp($0) }.flatMap { since in
        now.map { max(0, $0.milliseconds - since.milliseconds) / 1000 }
      }
      table.add(
        .init("worker \(holder.worker)"), .init(holder.kind == "claim" ? "about to start" : holder.job),
        .init(holder.since), .init(age.map { "\($0)" }))
    }
    return table
  }

  private var attemptTable: Table {
    let hasCosts = attempts.contains { $0.costUsd != nil }
    var table = Table(
      [.number("ATTEMPT"), "PROVIDER", "MODEL", "OUTCOME", .number("MS")] + (hasCosts ? [.number("USD")] : []))
    for attempt in attempts {
      table.add(
        [
          .init(attempt.n), .init(attempt.provider), .init(attempt.model), .init(attempt.outcome),
          .init(attempt.milliseconds.map { "\($0)" }),
        ] + (hasCosts ? [.init(attempt.costUsd.flatMap { Money($0) }?.inTable)] : []))
    }
    return table
  }

  private var skippedTable: Table {
    var table = Table([.number("BEFORE"), "PASSED OVER", "MODEL", "VERSION", "BECAUSE"])
    for attempt in attempts {
      for skip in attempt.skipped {
        table.add(
          .init(attempt.n), .init(skip.provider), .init(skip.model), .init(skip.version), .init(skip.reason))
      }
    }
    for skip in skipped {
      table.add("", .init(skip.provider), .init(skip.model), .init(skip.version), .init(skip.reason))
    }
    return table
  }

  private var trailTable: Table {
    var what = Table.Column(stringLiteral: "WHAT")
    what.limit = 160
    var table = Table(["TIME", what])
    for step in trail { table.add(.init(step.time), .init(step.what)) }
    return table
  }

  private static func since(_ time: String?, now: String) -> String {
    guard let time, let then = Timestamp(time), let now = Timestamp(now) else { return "" }
    return " for \(words(Double(max(0, now.milliseconds - then.milliseconds)) / 1000)), since \(time)"
  }

  private static func until(_ time: String?, now: String) -> String {
    guard let time, let then = Timestamp(time), let now = Timestamp(now) else { return "" }
    return " until \(time), for \(words(Double(max(0, then.milliseconds - now.milliseconds)) / 1000))"
  }
}
