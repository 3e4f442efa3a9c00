import Admission
import Contracts
import Foundation
import Operations
import Testing

@testable import tollway

/// What `tollway explain` says of a job, made of what Redis answered.
struct ExplanationTests {
  private static let now = 1_795_258_800_000  // 2026-11-21T11:00:00Z

  private func time(_ seconds: Int) -> Timestamp { Timestamp(milliseconds: Int64(Self.now + seconds * 1000)) }

  private func standing(_ state: JobStanding.State) -> JobStanding {
    JobStanding(at: time(0), state: state, user: Identifier.base64url("ana@toll.way"))
  }

  private func waiting(
    _ reason: WaitReason = .concurrency, place: JobStanding.Wait.Place = .bay(7), gate: Duration? = nil,
    limits: AdmissionLimits = AdmissionLimits()
  ) -> JobStanding {
    var standing = standing(.waiting)
    standing.lane = .high
    standing.copy = 1
    standing.active = 2
    standing.holders = [
      .init(worker: "w1", isClaim: false, job: "a", since: time(-90), ends: .seconds(25)),
      .init(worker: "w2", isClaim: true, job: nil, since: nil, ends: .seconds(4)),
    ]
    standing.wait = JobStanding.Wait(
      place: place, reason: reason, since: time(-130), position: 3, expected: .milliseconds(39_400), gate: gate,
      gateReason: gate == nil ? nil : reason, concurrency: 2, limits: limits)
    return standing
  }

  private var fleet: FleetFigures {
    var report = WorkerReport(worker: "w1", slots: 4)
    report.running[.high] = 4
    return FleetFigures(at: time(0), workers: [report])
  }

  /// With a slot that is free.
  private var roomy: FleetFigures {
    var figures = fleet
    figures.workers[0].running[.high] = 3
    return figures
  }

  private func lines(_ standing: JobStanding) -> [String] {
    Explanation("job-7", standing, fleet).lines(Style(isColoured: false))
  }

  private func members(_ explanation: Explanation) throws -> [String: Any] {
    let json = try JSONEncoder().encode(explanation)
    return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
  }

  @Test func `a waiting job is explained on one screen`() {
    #expect(
      lines(waiting()) == [
        "job             job-7",
        "user            ana@toll.way",
        "state           waiting in lane high for 2 min 10 s, since 2026-11-21T10:57:50.000Z",
        "because         concurrency 2/2: all slots of this user are taken",
        "position        3 of this user",
        "expected start  2026-11-21T11:00:39.400Z, in 39 s",
        "where           bay 7",
        "fleet           4 of 4 slots busy, 1 workers",
        "",
        "SLOT HELD BY  JOB             SINCE                     SECONDS",
        "worker w1     a               2026-11-21T10:58:30.000Z       90",
        "worker w2     about to start  -                               -",
        "",
        "TIME                      WHAT",
        "2026-11-21T10:57:50.000Z  had to wait: concurrency",
        "",
        "→ raise the limit: tollway users set ana@toll.way --concurrency 3; and add workers or slots, for all are busy",
      ])
    #expect(
      Explanation("job-7", waiting(), roomy).advice == [
        "raise the limit: tollway users set ana@toll.way --concurrency 3"
      ])
  }

  @Test func `programs find every member, null where nothing is known`() throws {
    let known = try members(Explanation("job-7", waiting(), fleet))
    let unknown = try members(Explanation(unknown: "job-7", at: time(0)))
    #expect(Set(known.keys) == Set(unknown.keys))
    #expect(known["state"] as? String == "waiting" && unknown["state"] as? String == "unknown")
    #expect(known["reason"] as? String == "concurrency" && unknown["reason"] is NSNull)
    #expect(known["user"] as? String == "ana@toll.way" && known["lane"] as? String == "high")
    #expect(known["position"] as? Int == 3 && known["limit"] as? Int == 2 && known["active"] as? Int == 2)
    #expect(known["expectedStart"] as? String == "2026-11-21T11:00:39.400Z")
    #expect(known["expectedStartSeconds"] as? Double == 39.4)
    #expect(known["waitingSince"] as? String == "2026-11-21T10:57:50.000Z")
    #expect(known["place"] as? String == "bay" && known["bay"] as? Int == 7 && known["run"] is NSNull)
    let holders = try #require(known["holders"] as? [[String: Any]])
    #expect(holders.map { $0["kind"] as? String } == ["run", "claim"])
    #expect(holders[1]["job"] is NSNull && holders[0]["job"] as? String == "a")
  }

  @Test func `the reason is what binds now, not what bound when the job was judged`() {
    var freed = waiting()
    freed.active = 1
    #expect(Explanation("j", freed, roomy).reason == "concurrency", "two are in front of it")
    #expect(Explanation("j", freed, fleet).reason == "slot", "the first of them lacks a slot of the fleet")
    freed.wait?.position = 1
    #expect(Explanation("j", freed, fleet).reason == "slot")
    #expect(Explanation("j", freed, fleet).advice == ["add workers or slots: all are busy"])
    freed.wait?.place = .ladder
    #expect(Explanation("j", freed, fleet).reason == "concurrency", "nothing wakes it on the ladder")
    #expect(Explanation("j", waiting(.moneyReserved, gate: .seconds(5)), fleet).reason == "money_reserved")
    #expect(Explanation("j", waiting(.moneyReserved), fleet).reason == "concurrency")
    var held = waiting()
    held.hold = .seconds(20)
    #expect(Explanation("j", held, fleet).reason == "hold")
  }

  @Test func `a rate says its figures, until when, and what to raise`() {
    var limits = AdmissionLimits()
    limits.perMinute = 120
    let lines = lines(waiting(.rate, gate: .seconds(45), limits: limits))
    #expect(
      lines.contains(
        "because         rate: 120 starts a minute; closed until 2026-11-21T11:00:45.000Z, for 45 s"))
    #expect(lines.last == "→ raise the rate: tollway users set ana@toll.way --rpm N")
  }

  @Test func `money says what is used and what is reserved`() {
    var limits = AdmissionLimits()
    limits.monthlyCap = Money("50")
    var standing = waiting(.moneyReserved, gate: .seconds(5), limits: limits)
    standing.month = "2026-11"
    standing.base = Spending(nanoUSD: 49_100_000_000)
    standing.open = Spending(nanoUSD: 500_000_000)
    let lines = lines(standing)
    #expect(
      lines.contains(
        "because         money: what is left of the cap of 50.000000 USD is held for jobs that run"))
    #expect(
      lines.contains(
        "in 2026-11      49.100000 USD in the ledger, 0.500000 USD reserved or not yet there"))
  }

  @Test func `a dead job names its error, its attempts and what to do`() throws {
    var dead = standing(.done)
    dead.status = .failed
    dead.run = "r1"
    dead.attempt = 2
    dead.result = Array(
      """
      {"jobId":"job-7","tier":"PRO","attempts":[{"n":1,"provider":"openai","model":"tts-1","outcome":"failed","ms":812},
      {"n":2,"provider":"piper","model":"joe","outcome":"failed","ms":9}],
      "skipped":[{"provider":"elevenlabs","model":"flash","version":null,"reason":"capability"}],"cost":{"amount":"0.000123000000"},
      "error":{"code":"provider_failed","message":"all of the plan failed"},"queuedAt":"2026-11-21T10:00:00.000Z",
      "startedAt":"2026-11-21T10:00:01.000Z","finishedAt":"2026-11-21T10:00:02.000Z","output":null}
      """.utf8)
    let explanation = Explanation("job-7", dead, fleet)
    #expect(explanation.state == "dead" && explanation.error?.code == "provider_failed" && explanation.tier == "PRO")
    #expect(explanation.attempts.map(\.provider) == ["openai", "piper"] && explanation.active == nil)
    #expect(explanation.trail.map(\.what).last == "ended: dead, provider_failed")
    #expect(
      explanation.advice == ["tollway dead show job-7", "mend the cause, then tollway dead replay job-7"])
    let lines = explanation.lines(Style(isColoured: false))
    #expect(lines.contains("cost   0.000123 USD"))
    #expect(lines.contains("ATTEMPT  PROVIDER  MODEL  OUTCOME   MS"))
    #expect(lines.contains("      1  openai    tts-1  failed   812"))
    #expect(explanation.skipped.map(\.provider) == ["elevenlabs"])
    #expect(lines.contains { $0.contains("elevenlabs") && $0.hasSuffix("capability") })
  }

  @Test func `a blocked job says how it is released`() {
    var blocked = standing(.done)
    blocked.status = .blocked
    blocked.result = Array(#"{"error":{"code":"cost_cap_reached","message":"m"}}"#.utf8)
    let explanation = Explanation("job-7", blocked, fleet)
    #expect(explanation.state == "blocked")
    #expect(
      explanation.advice == [
        "raise the limit (tollway users set ana@toll.way ...), then tollway blocked release job-7"
      ])
  }

  @Test func `a job that ought to run but that nobody holds is said to be taken over`() {
    var running = standing(.running)
    running.since = time(-5)
    #expect(Explanation("job-7", running, fleet).isAbandoned)
    running.holders = [.init(worker: "w1", isClaim: false, job: "job-7", since: time(-5), ends: .seconds(9))]
    #expect(!Explanation("job-7", running, fleet).isAbandoned)
    #expect(lines(running).contains("state  running for 5 s, since 2026-11-21T10:59:55.000Z"))
  }

  @Test(arguments: [
    (0, "0 s"), (0.44, "0.4 s"), (9.96, "10 s"), (39.4, "39 s"), (60, "1 min"), (125, "2 min 5 s"),
    (11_040, "3 h 4 min"),
  ])
  func `times are said in words`(seconds: Double, words: String) {
    #expect(Explanation.words(seconds) == words)
  }
}
