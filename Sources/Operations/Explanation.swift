package import Admission
package import Contracts
import Foundation
import Work

/// What is known of one job, put together for people and programs. A pure value: made of what Redis answered, without a
/// clock of its own. Every member is always there, `null` where nothing is known.
package struct Explanation: Sendable, Encodable {
  /// Who holds one of the user's slots.
  package struct Holder: Sendable, Encodable {
    package let worker: String
    /// `run`, or `claim`: held for a moment for a waiting job that is about to start.
    package let kind: String
    @OrNull package var job: String? = nil
    @OrNull package var since: String? = nil
    /// Without renewal.
    package let endsInSeconds: Double
  }

  package struct Attempt: Sendable, Encodable {
    package let n: Int
    package let provider, model, outcome: String
    /// Null when it is settled, so that only the ledger knows it; of the only attempt of a run it is what that cost.
    @OrNull package var costUsd: String? = nil
    @OrNull package var milliseconds: Int? = nil
    @OrNull package var time: String? = nil
    /// What was passed over before it, and why.
    package var skipped: [Skip] = []
  }

  /// A model that was not tried; `reason` is a word of `RouteSkip.Reason`.
  package struct Skip: Sendable, Encodable {
    package let provider, model: String
    @OrNull package var version: String? = nil
    package let reason: String

    package init(_ skip: RouteSkip) {
      provider = skip.provider
      model = skip.model
      version = skip.version
      reason = skip.reason.rawValue
    }
  }

  /// A provider, or one model of it, that does not serve.
  package struct Resting: Sendable, Encodable {
    package let provider, reason: String
    /// When it is tried again; null for one that was taken out by hand.
    @OrNull package var retryAt: String? = nil
  }

  /// One thing that is known to have happened.
  package struct Step: Sendable, Encodable {
    package let time: String
    package let what: String
  }

  /// By which the user's last job that had to wait was judged.
  package struct Limits: Sendable, Encodable {
    @OrNull package var concurrency: Int? = nil
    @OrNull package var rpm: Int? = nil
    @OrNull package var rps: Int? = nil
    @OrNull package var burst: Int? = nil
    @OrNull package var monthlyUsd: String? = nil
    @OrNull package var tokens: Int? = nil
    @OrNull package var audioSeconds: Int? = nil
    @OrNull package var videoMinutes: Int? = nil
    @OrNull package var jobs: Int? = nil
  }

  /// Of a job that waits for others: how many of them have succeeded, and how many there are.
  package struct Parents: Sendable, Encodable {
    package let succeeded, all: Int
  }

  /// What a job that has ended says of itself.
  package struct Fault: Sendable, Encodable {
    package let code, message: String
  }

  package let job: String
  /// By Redis' clock.
  package let time: String
  /// queued, waiting, running, succeeded, failed, blocked, cancelled, dead, unknown.
  package var state = "unknown"
  /// Of a waiting job: what it waits for now, a raw value of `WaitCause`.
  @OrNull package var reason: String? = nil
  @OrNull package var user: String? = nil
  @OrNull package var tier: String? = nil
  @OrNull package var lane: String? = nil
  @OrNull package var run: String? = nil
  @OrNull package var attempt: Int? = nil
  @OrNull package var position: Int? = nil
  @OrNull package var expectedStart: String? = nil
  @OrNull package var expectedStartSeconds: Double? = nil
  /// Of a job that the gateway accepted and no worker has looked at yet.
  @OrNull package var acceptedAt: String? = nil
  @OrNull package var waitingSince: String? = nil
  @OrNull package var runningSince: String? = nil
  /// Jobs of the user that may run at once, and that hold a slot.
  @OrNull package var limit: Int? = nil
  @OrNull package var active: Int? = nil
  @OrNull package var limits: Limits? = nil
  @OrNull package var parents: Parents? = nil
  /// Until then the user's waiting jobs are not asked about.
  @OrNull package var gate: String? = nil
  /// bay, deck (in a worker's hand), parking (on its way into a bay), ladder (comes back by itself).
  @OrNull package var place: String? = nil
  @OrNull package var bay: Int? = nil
  @OrNull package var copy: Int? = nil
  @OrNull package var period: String? = nil
  @OrNull package var month: MonthStanding? = nil
  @OrNull package var holdSeconds: Double? = nil
  @OrNull package var error: Fault? = nil
  @OrNull package var costUsd: String? = nil
  package var holders: [Holder] = []
  package var attempts: [Attempt] = []
  /// What was passed over behind the last attempt: of a waiting job as it was last planned, of one that failed in the
  /// end.
  package var skipped: [Skip] = []
  /// Of a waiting job: the providers of the fleet that rest.
  package var resting: [Resting] = []
  package var trail: [Step] = []
  /// What would make it start, or start sooner.
  package var advice: [String] = []
  /// Of the whole fleet.
  @OrNull package var workers: Int? = nil
  @OrNull package var slots: Int? = nil
  @OrNull package var busy: Int? = nil

  /// Of a job that Redis does not know.
  package init(unknown job: String, at time: Timestamp) {
    self.job = job
    self.time = time.description
  }

  package init(_ job: String, _ standing: JobStanding, _ figures: FleetFigures) {
    self.job = job
    time = standing.at.description
    let result = standing.result.flatMap(Self.parsed)
    let events = standing.costs.compactMap { bytes in
      do { return try CostEvent(decoding: bytes) } catch { return nil }
    }
    user = Self.plain(standing.user)
    tier = result?["tier"]?.string ?? events.first?.tier ?? standing.tier
    acceptedAt = standing.accepted?.description
    lane = standing.lane?.rawValue
    run = standing.run
    attempt = standing.attempt
    workers = figures.workers.count
    slots = figures.slots
    busy = Lane.allCases.reduce(0) { $0 + figures.running($1) }
    holdSeconds = standing.hold?.seconds
    period = standing.month
    attempts = Self.attempts(result, events)
    if standing.state == .running, let intent = standing.intent.flatMap(Intent.init(decoding:)) {
      attempts.append(
        Attempt(
          n: standing.attempt, provider: intent.provider, model: intent.model, outcome: "running",
          time: standing.since?.description, skipped: intent.skipped.map(Skip.init)))
    }
    skipped = (result?["skipped"]?.elements ?? []).compactMap(RouteSkip.init).map(Skip.init)
    if standing.state == .waiting {
      skipped = standing.passedOver.map(Skip.init)
      resting = standing.breakers.values.sorted { $0.scope < $1.scope }.map {
        Resting(
          provider: $0.scope, reason: $0.reason.rawValue, retryAt: $0.reason == .hand ? nil : $0.retryAt.description)
      }
    }
    active = standing.state == .done ? nil : standing.active
    holders = standing.holders.map { holder in
      Holder(
        worker: holder.worker, kind: holder.isClaim ? "claim" : "run", job: holder.job,
        since: holder.since?.description, endsInSeconds: holder.ends.seconds)
    }
    if let base = standing.base ?? standing.open.map({ _ in Spending() }) {
      month = MonthStanding(base: base, open: standing.open ?? Spending())
    }
    switch standing.state {
    case .queued: state = "queued"
    case .running:
      state = "running"
      runningSince = standing.since?.description
    case .waiting: state = "waiting"
    case .done:
      let code = result?["error"]?["code"]?.string.flatMap(EndCode.init(rawValue:))
      state = code?.resting == .dead ? "dead" : standing.status?.rawValue ?? "unknown"
      error = code.map { Fault(code: $0.rawValue, message: result?["error"]?["message"]?.string ?? "") }
      costUsd = result?["cost"]?["amount"]?.string
      // What a run cost is what its only attempt did.
      if attempts.count == 1, attempts[0].n == 1, attempts[0].costUsd == nil { attempts[0].costUsd = costUsd }
    }
    if let wait = standing.wait { tell(wait, standing) }
    trail = steps(standing, result)
    advice = advised(standing, figures)
  }

  private mutating func tell(_ wait: JobStanding.Wait, _ standing: JobStanding) {
    reason = cause(wait, standing).rawValue
    position = wait.position
    parents = wait.parents.map { Parents(succeeded: $0.succeeded, all: $0.all) }
    if wait.reason != .parents {
      expectedStart = Timestamp(milliseconds: standing.at.milliseconds + wait.expected.milliseconds).description
      expectedStartSeconds = wait.expected.seconds
    }
    waitingSince = wait.since.description
    limit = wait.concurrency
    gate = wait.gate.map { Timestamp(milliseconds: standing.at.milliseconds + $0.milliseconds).description }
    copy = standing.copy
    limits = Limits(
      concurrency: wait.concurrency, rpm: wait.limits.perMinute, rps: wait.limits.perSecond, burst: wait.limits.burst,
      monthlyUsd: wait.limits.monthlyCap?.description, tokens: wait.limits.tokens,
      audioSeconds: wait.limits.audioSeconds, videoMinutes: wait.limits.videoMinutes, jobs: wait.limits.jobs)
    switch wait.place {
    case .deck: place = "deck"
    case .bay(let number):
      place = "bay"
      bay = number
    case .parking(let number):
      place = "parking"
      bay = number
    case .ladder: place = "ladder"
    }
  }

  /// What binds now, which may be another limit than when the job was judged.
  private func cause(_ wait: JobStanding.Wait, _ standing: JobStanding) -> WaitCause {
    if standing.hold != nil { return .hold }
    if wait.gate != nil { return .reason(wait.gateReason ?? wait.reason) }
    if let limit = wait.concurrency {
      // With a slot of its own free the line stands for want of one of the fleet.
      let first = isFull ? standing.active + 1 : standing.active + wait.position
      if first > limit { return .reason(.concurrency) }
    }
    switch wait.reason {
    case .notBefore, .runningElsewhere, .providerResting, .parents: return .reason(wait.reason)
    case .catchingUp where !standing.isMoneyReady: return .reason(wait.reason)
    case .concurrency, .rate, .moneyReserved, .quotaReserved, .catchingUp:
      return wait.place == .ladder ? .reason(wait.reason) : .slot
    }
  }

  /// From the result where there is one, with what the events that are still there add to it.
  private static func attempts(_ result: JSONValue?, _ events: [CostEvent]) -> [Attempt] {
    var attempts = (result?["attempts"]?.elements ?? []).compactMap { entry -> Attempt? in
      guard let n = entry["n"]?.integer, let provider = entry["provider"]?.string, let model = entry["model"]?.string,
        let outcome = entry["outcome"]?.string
      else { return nil }
      return Attempt(
        n: n, provider: provider, model: model, outcome: outcome, milliseconds: entry["ms"]?.integer,
        skipped: (entry["skipped"]?.elements ?? []).compactMap(RouteSkip.init).map(Skip.init))
    }
    for event in events {
      if let index = attempts.firstIndex(where: { $0.n == event.attempt }) {
        attempts[index].costUsd = event.cost.amount.description
        attempts[index].time = event.time.description
      } else {
        attempts.append(
          Attempt(
            n: event.attempt, provider: event.provider, model: event.model, outcome: event.outcome.rawValue,
            costUsd: event.cost.amount.description, time: event.time.description))
      }
    }
    return attempts.sorted { $0.n < $1.n }
  }

  private static func parsed(_ bytes: [UInt8]) -> JSONValue? {
    do { return try JSONParser.parse(bytes).root } catch { return nil }
  }

  /// The user id that a base64url text stands for.
  private static func plain(_ text: String) -> String {
    let standard = text.replacing("-", with: "+").replacing("_", with: "/")
    let padded = standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)
    return Data(base64Encoded: padded).map { String(decoding: $0, as: UTF8.self) } ?? text
  }
}
