import Admission
import Billing
import Contracts

/// Comes to the verdict on a sample: the first thing that explains why work does not flow is the headline, everything
/// else that is out of order stands behind it as a further reason. Pure.
struct VerdictJudge {
  let sample: FleetSample
  let trend: FleetTrend

  var verdict: Verdict {
    if let blind { return blind }
    var verdict = stopped ?? slow ?? calm
    let remarks = remarks.filter { !verdict.because.contains($0.sentence) }
    if verdict.state == .flowing || verdict.state == .idle, let fault = remarks.first(where: \.isFault) {
      verdict.headline = "\(verdict.headline.dropLast()), but \(fault.clause)."
      verdict.whose = .ours
      verdict.because += remarks.filter { $0 != fault }.map(\.sentence)
      verdict.act = fault.act ?? verdict.act
    } else {
      verdict.because += remarks.map(\.sentence)
    }
    verdict.act = verdict.act ?? remarks.lazy.compactMap(\.act).first
    if verdict.whose == .ours { verdict.excluded = excluded(by: verdict) }
    return verdict
  }

  // MARK: nothing can be said

  private var blind: Verdict? {
    if isOld(sample.redis) {
      let what = absence("Redis", sample.redis)
      return Verdict(
        .unknown, "\(what), so whether work flows cannot be said.", whose: .ours,
        because: [sample.redis.why].compactMap(\.self), next: "It is asked again by itself.", act: "tollway doctor")
    }
    guard isOld(sample.broker) else { return nil }
    let what = absence("The broker", sample.broker)
    let because = [sample.broker.why].compactMap(\.self)
    let next = "It is asked again by itself; nothing that it has confirmed is lost."
    // What ends is settled through the broker: somebody reaches it.
    let silence = sample.broker.age ?? .zero
    if let end = sample.lastEnd, silence - end > .seconds(10) {
      return Verdict(
        .unknown, "\(what) from here, yet runs end: what waits cannot be counted.", whose: .ours, because: because,
        next: next, act: "tollway doctor")
    }
    guard sample.broker.isAway else {
      return Verdict(
        .unknown, "\(what), so whether work flows cannot be said.", whose: .ours, because: because, next: next,
        act: "tollway doctor")
    }
    return Verdict(
      .stopped, "\(what): nothing new can start.", whose: .ours, because: because, next: next, act: "tollway doctor")
  }

  /// A single question without an answer is not the end of the world.
  private func isOld(_ source: FleetSample.Source) -> Bool { source.age.map { $0 > FleetSample.freshness } ?? true }

  private func absence(_ name: String, _ source: FleetSample.Source) -> String {
    if let since = source.awaySince { return "\(name) has not answered since \(since.clock)" }
    guard let age = source.age else { return "\(name) has not answered yet" }
    return "What is known of \(name == "Redis" ? name : "the broker") is \(words(age)) old"
  }

  // MARK: nothing moves

  private var stopped: Verdict? {
    if let hold = sample.hold {
      return Verdict(
        .stopped, "Redis lost its memory: nothing starts for \(words(hold)).", whose: .ours,
        because: ["What ran before may still run; its leases must have had the time to run out."],
        next: "It ends by itself in \(words(hold)).")
    }
    if has(.broker) {
      return Verdict(
        .stopped, "The broker takes no messages: nothing can end or be accepted.", whose: .ours,
        because: ["It is gone, or out of memory or disk."], next: "What was confirmed is kept.", act: "tollway doctor")
    }
    if sample.workers == 0, backlog > 0 {
      return Verdict(
        .stopped, "No worker runs, and \(jobs(backlog)) \(backlog == 1 ? "waits" : "wait").", whose: .ours,
        next: "Nothing happens by itself; what waits is kept.", act: "tollway worker")
    }
    if sample.workers > 0, runnable > 0, sample.busy == 0, hasMovedNothing {
      return Verdict(
        .stopped, "\(jobs(runnable)) could start, and no worker takes \(runnable == 1 ? "it" : "them").", whose: .ours,
        because: unconsumed.map { "No worker consumes from lane \($0.rawValue)." }, act: "tollway doctor")
    }
    return nil
  }

  private var unconsumed: [Lane] {
    sample.lanes.filter { $0.consumers == 0 && ($0.ready ?? 0) > 0 }.map(\.lane)
  }

  /// Within the last minute, as far as that is known.
  private var hasMovedNothing: Bool {
    sample.lanes.allSatisfy { $0.takenPerMinute == 0 } && sample.finishedPerMinute == 0
  }

  // MARK: it moves, and not as it should

  private var slow: Verdict? {
    if let resting { return resting }
    if let late = sample.lanes.filter(\.isLate).max(by: { $0.oldestRunnable < $1.oldestRunnable }) {
      return lateness(of: late)
    }
    let unknown = waiting(for: .catchingUp)
    guard unknown > 0 else { return nil }
    return Verdict(
      .slow, "\(jobs(unknown)) wait until it is known again what was spent.", whose: .ours,
      because: ["Redis lost its memory, and billing counts what users with a cap or a quota have spent."],
      next: "It ends by itself as soon as billing is done.", act: "tollway billing")
  }

  private var resting: Verdict? {
    let held = waiting(for: .providerResting)
    guard held > 0, held * 2 >= backlog else { return nil }
    let out = sample.providers.map(\.row).filter { $0.state != .serving }
    let isNothingElse = sample.busy == 0 && runnable == 0
    let names = Set(out.map(\.provider)).sorted().joined(separator: ", ")
    let who = names.isEmpty ? "a provider that rests" : names.contains(",") ? "providers that rest" : names
    let probe = out.compactMap { $0.nextProbe.flatMap { Timestamp($0) } }.min()
    let byHand = out.first { $0.state == .held }
    let isRefused = out.first { ["account", "funds", "gone"].contains($0.reason) }
    return Verdict(
      isNothingElse ? .stopped : .slow,
      "\(held) of \(jobs(backlog)) that \(backlog == 1 ? "waits" : "wait") \(held == 1 ? "needs" : "need") \(who), which \(verb(out)).",
      whose: .ours, because: out.map(sentence),
      next: [probe.map { "The next call is tried \(due($0))." }, drain].compactMap(\.self).joined(separator: " "),
      act: byHand.map { "tollway providers release \($0.provider)" }
        ?? isRefused.map { "tollway providers release \($0.provider)" } ?? "tollway providers")
  }

  private func lateness(of lane: LaneSample) -> Verdict {
    let promised = lane.promise.map { ", and was promised \(words($0))" } ?? ""
    let oldest = "The oldest job of lane \(lane.lane.rawValue) has waited \(words(lane.oldestRunnable)) for a slot"
    guard sample.busy < sample.slots else {
      return Verdict(
        .slow, "\(oldest)\(promised): all \(sample.slots) slots are busy.", whose: .ours,
        because: ["\(jobs(runnable)) could start if there were slots."], next: drain, act: "tollway worker")
    }
    return Verdict(
      .slow, "\(oldest)\(promised), though \(sample.slots - sample.busy) of \(sample.slots) slots are free.",
      whose: .ours, because: unconsumed.map { "No worker consumes from lane \($0.rawValue)." }, next: drain,
      act: "tollway doctor")
  }

  // MARK: all is well

  private var calm: Verdict {
    let theirs = sample.lanes.reduce(0) { $0 + $1.waitingTheirs }
    if sample.busy == 0, runnable == 0, backlog == 0 { return idle }
    guard theirs > 0 else {
      let tight = runnable > 0 && sample.busy >= sample.slots
      return Verdict(
        .flowing, "Work flows.",
        because: tight ? ["All \(sample.slots) slots are busy; nobody waits longer than was promised."] : [],
        next: backlog > 0 ? drain : nil)
    }
    let reasons = WaitReason.allCases.filter(\.isTheirs).map { ($0, waiting(for: $0)) }.filter { $0.1 > 0 }
      .sorted { $0.1 > $1.1 }.map { "\($0.1) \($0.0.words)" }
    return Verdict(
      .flowing, "Work flows; \(jobs(theirs)) \(theirs == 1 ? "waits" : "wait") as users' own limits and wishes say.",
      whose: .theirs, because: ["By reason: \(reasons.joined(separator: ", "))."],
      next: sample.users.compactMap(\.lastStart).max().map { "The last of the longest lines starts \(due($0))." }
        ?? drain)
  }

  private var idle: Verdict {
    let isNew =
      sample.workers == 0 && sample.lastEnd == nil && sample.dead == 0 && sample.blocked == 0
      && sample.money?.lastBooked == nil
    if isNew {
      return Verdict(
        .idle, "Nothing was ever seen to run here.", next: "These three commands begin.",
        commands: ["tollway worker", "tollway submit --user ana --task echo --payload '{}' --wait", "tollway doctor"])
    }
    let last = sample.lastEnd.map { "Last job \(ago($0))." }
    guard sample.workers > 0 else {
      return Verdict(
        .idle, ["Nothing waits, and no worker runs.", last].compactMap(\.self).joined(separator: " "),
        act: "tollway worker")
    }
    return Verdict(.idle, ["Nothing waits.", last].compactMap(\.self).joined(separator: " "))
  }
}
