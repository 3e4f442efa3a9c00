@testable import AMQP
@testable import Admission
@testable import Billing
@testable import Catalog
import Console
import Contracts
@testable import Lanes
@testable import Operations

extension Sample {
  var waitingJob: Explanation {
    var job = Explanation(unknown: "7F3K-Q2\(evil)", at: now)
    job.state = "waiting"
    job.reason = "concurrency"
    job.user = user
    job.tier = "PLUS\(evil)"
    job.lane = "standard"
    job.position = 3
    job.expectedStart = later(126).description
    job.expectedStartSeconds = 126
    job.acceptedAt = ago(103).description
    job.waitingSince = ago(102).description
    job.limit = 5
    job.active = 5
    job.limits = .init(concurrency: 5, rpm: 60, monthlyUsd: "20", jobs: 1000)
    job.period = "2025-11"
    job.month = MonthStanding(
      base: Spending(nanoUSD: 13_110_000_000, jobs: 812), open: Spending(nanoUSD: 2_400_000_000, jobs: 5))
    job.holders = [
      .init(worker: "w-1\(evil)", kind: "run", job: "7F3K-A1\(evil)", since: ago(41).description, endsInSeconds: 20),
      .init(worker: "w-2", kind: "run", job: "7F3K-B7", since: ago(38).description, endsInSeconds: 20),
      .init(worker: "w-2", kind: "claim", endsInSeconds: 5),
    ]
    job.trail = [
      .init(time: ago(103).description, what: "was accepted by the gateway"),
      .init(time: ago(102).description, what: "had to wait: concurrency\(evil)"),
    ]
    job.advice = ["raise the limit: tollway users set u_8841 --concurrency 6"]
    (job.workers, job.slots, job.busy) = (6, 48, 48)
    return job
  }

  var deadJob: Explanation {
    var job = Explanation(unknown: "7F3K-Z9", at: now)
    job.state = "dead"
    job.user = user
    job.tier = "PRO"
    job.lane = "critical"
    job.run = "r-1"
    job.attempt = 2
    job.error = .init(code: "attempts_exhausted", message: "voxcorp answered 503\(evil)")
    job.costUsd = "0.061700000000"
    job.attempts = [
      .init(
        n: 1, provider: "voxcorp\(evil)", model: "v2", outcome: "provider_failed", costUsd: "0.000000000000",
        milliseconds: 812, time: ago(60).description),
      .init(
        n: 2, provider: "openai", model: "tts-1", outcome: "provider_failed", costUsd: "0.061700000000",
        milliseconds: 30_100, time: ago(20).description),
    ]
    job.trail = [.init(time: ago(20).description, what: "ended: dead, attempts_exhausted")]
    job.advice = ["tollway dead show 7F3K-Z9", "mend the cause, then tollway dead replay 7F3K-Z9"]
    return job
  }

  func letters(_ count: Int, _ kind: LettersPage.Kind) -> [LetterRow] {
    (0..<count).map { index in
      var properties = AMQPProperties()
      let reasons = kind == .dead ? ["provider_failed", "attempts_exhausted", "invalid_message"] : ["cost_cap_reached"]
      properties.headers = [
        "x-tollway-reason": .string(reasons[index % reasons.count]),
        "x-tollway-detail": .string("voxcorp answered 503 for request 8f0\(index)\(evil)"),
        "x-tollway-first-seen": .string(ago(Int64(9000 - index)).description),
      ]
      let body = Array(#"{"id":"job-\#(index)","userId":"u_\#(index % 61)","taskType":"tts","userTier":"PRO"}"#.utf8)
      return LetterRow(
        withoutProperties: Letter(
          AMQPDelivery(
            address: AMQPDeliveryAddress(generation: 1, channel: 1, tag: 1), queue: "q", subscription: 0,
            redelivered: false, exchange: "", routingKey: "dead", properties: properties, body: body,
            propertyBytes: 0)))
    }
  }

  var plan: PlanCard {
    PlanCard(
      id: "p\(evil)", kind: .dead, count: 97, users: 31, samples: Array(letters(5, .dead)), madeAt: now.description,
      expiresAt: later(600).description)
  }

  var result: PlanResult {
    var report = LetterReport()
    report.done = 2
    report.kept = 1
    report.rows = [
      .init(id: "job-1", run: "r", lane: "low", kept: nil), .init(id: "job-2", run: "r", lane: "low", kept: nil),
      .init(id: "job-3", run: "r", lane: nil, kept: "its message is not valid\(evil)"),
    ]
    report.missing = ["job-4\(evil)"]
    return PlanResult(kind: .dead, report: report, reason: "voxcorp is back\(evil)", by: "ana", at: now.description)
  }

  var assignment: Assignment {
    Assignment(
      userID: user, tier: "PRO", overrides: UserOverrides(concurrency: 8, monthlyUsd: Money(nanoUSD: 20_500_000_000)),
      changedAt: ago(700), changedBy: "ana\(evil)", reason: "asked\(evil)")
  }

  var usage: UserUsage {
    get throws {
      try UserUsage(
        user: user, entitlement: assignment.entitlement, policy: policy, period: "2025-11",
        base: Spending(nanoUSD: 13_110_000_000, tokens: 41_000, jobs: 812),
        open: Spending(nanoUSD: 2_400_000_000, jobs: 5),
        presence: UserPresence(running: 5, waiting: [.standard: 115, .low: 2]))
    }
  }

  var card: UserCard {
    get throws {
      try UserCard(
        user: user, assignment: assignment, policy: policy,
        month: UserMonth(userID: user, chargePeriod: "2025-11", amount: Money(nanoUSD: 13_110_000_000), jobs: 812),
        standing: nil,
        changes: [
          AssignmentChange(
            userID: user, changedAt: ago(700), changedBy: "ana\(evil)", reason: "asked\(evil)", before: nil, after: nil)
        ])
    }
  }

  func freezeCard(isOn: Bool) throws -> FreezeCard {
    let freeze = try Freeze(of: policy, id: "f", since: ago(900), by: "bo\(evil)", reason: "look at it\(evil)")
    return FreezeCard(
      isOn ? freeze : nil,
      changes: [
        FreezeChange(freezeID: "f", state: .on, changedAt: ago(900), changedBy: "bo\(evil)", reason: "look\(evil)")
      ], copy: .agrees, now: now)
  }
}
