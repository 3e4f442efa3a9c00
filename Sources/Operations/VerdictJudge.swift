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
    let isSaid = verdict.state == .flowing || verdict.headline.contains(Explanation.full(sample.slots))
    if let tightness, !isSaid {
      let until = verdict.next?.contains(drain) == true ? "" : " \(drain)"
      verdict.because.append("\(Remark(clause: tightness).sentence)\(until)")
    }
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
    if sample.workers > 0, !unconsumed.isEmpty, sample.lanes.allSatisfy({ $0.consumers == 0 }) {
      let ready = sample.lanes.reduce(0) { $0 + ($1.ready ?? 0) }
      return Verdict(
        .stopped, "No worker takes from any lane, and \(jobs(ready)) \(ready == 1 ? "waits" : "wait").", whose: .ours,
        because: ["Workers that were just there are gone, or take nothing."], act: "tollway doctor")
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
    let count = waiting(for: .providerResting)
    guard count > 0, count * 2 >= backlog else { return nil }
    let out = sample.providers.map(\.row).filter { $0.state != .serving }
    let isNothingElse = sample.busy == 0 && runnable == 0
    // What a job waits for is known for certain only where one provider is out.
    let only = Set(out.map(\.provider)).count == 1 ? out[0].provider : nil
    let who =
      only.map { name in
        out.allSatisfy { $0.model != nil } ? "models of \(name) that rest" : "\(name), which \(verb(out))"
      } ?? (count == 1 ? "a provider that does not serve" : "providers that do not serve")
    let probe = out.compactMap { $0.nextProbe.flatMap { Timestamp($0) } }.min()
    let others = only == nil ? ["Which of them a job needs, tollway explain JOB says."] : []
    let act = only != nil && out.contains { $0.state == .held } ? " release \(out[0].provider)" : ""
    return Verdict(
      isNothingElse ? .stopped : .slow,
      "\(count) of \(jobs(backlog)) that \(backlog == 1 ? "waits" : "wait") \(count == 1 ? "needs" : "need") \(who).",
      whose: .ours, because: out.map(sentence) + others,
      next: [probe.map { "The next call is tried \(due($0))." }, drain].compactMap(\.self).joined(separator: " "),
      act: "tollway providers\(act)")
  }

  private func lateness(of lane: LaneSample) -> Verdict {
    let promised = lane.promise.map { ", and was promised \(words($0))" } ?? ""
    let oldest = "The oldest job of lane \(lane.lane.rawValue) has waited \(words(lane.oldestRunnable)) for a slot"
    guard sample.busy < sample.slots else {
      return Verdict(
        .slow, "\(oldest)\(promised): \(Explanation.full(sample.slots)).", whose: .ours,
        because: ["\(jobs(runnable)) could start if there were slots."], next: drain, act: "tollway worker")
    }
    return Verdict(
      .slow, "\(oldest)\(promised), though \(sample.slots - sample.busy) of \(sample.slots) slots are free.",
      whose: .ours, because: unconsumed.map { "No worker consumes from lane \($0.rawValue)." }, next: drain,
      act: "tollway doctor")
  }

  // MARK: all is well

  private var calm: Verdict {
    if sample.busy == 0, runnable == 0, backlog == 0 { return idle }
    let theirs = sample.lanes.reduce(0) { $0 + $1.waitingTheirs }
    let forProviders = waiting(for: .providerResting)
    var clauses: [String] = []
    func add(_ count: Int, _ what: String) {
      guard count > 0 else { return }
      clauses.append("\(clauses.isEmpty ? jobs(count) : "\(count)") \(count == 1 ? "waits" : "wait") \(what)")
    }
    if let tightness { clauses = [tightness] }
    add(forProviders, "for a provider that does not serve")
    add(theirs, "as users' own limits and wishes say")
    let reasons = WaitReason.allCases.filter(\.isTheirs).map { ($0, waiting(for: $0)) }.filter { $0.1 > 0 }
      .sorted { $0.1 > $1.1 }.map { "\($0.1) \(WaitCause.reason($0.0).phrase)" }
    let whose = theirs == backlog ? "By reason" : "Theirs"
    return Verdict(
      .flowing, "Work flows\(clauses.isEmpty ? "" : "; ")\(clauses.joined(separator: ", ")).",
      whose: isTight || forProviders > 0 ? .ours : theirs > 0 ? .theirs : .nobody,
      because: reasons.isEmpty ? [] : ["\(whose): \(reasons.joined(separator: ", "))."],
      next: isTight ? drain : theirs > 0 ? lastOfLines ?? drain : backlog > 0 ? drain : nil,
      act: forProviders > 0 ? "tollway providers" : nil)
  }

  /// Nil where the end of one of the longest lines is not known.
  private var lastOfLines: String? {
    let ends = sample.users.compactMap(\.lastStart)
    guard ends.count == sample.users.count, let last = ends.max() else { return nil }
    return "The last of the longest lines starts \(due(last))."
  }

  private var idle: Verdict {
    let isNew =
      sample.workers == 0 && sample.lastEnd == nil && sample.dead == 0 && sample.blocked == 0
      && sample.money?.lastBooked == nil
    if isNew {
      return Verdict(
        .idle, "Nothing was ever seen to run here.", next: "These commands begin.",
        commands: [
          "tollway doctor", "tollway worker", "tollway billing",
          "tollway submit --user ana --task echo --payload '{}' --wait",
        ])
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
