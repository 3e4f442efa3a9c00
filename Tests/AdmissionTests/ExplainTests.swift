import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// What people are told of one job and of the whole fleet, on a Redis whose clock stands still.
  @Suite struct ExplainTests {
    /// Two jobs of ana run, as many as may; the others wait in a bay.
    private func crowd(
      _ bench: AdmissionBench, waiting: [String], limits: AdmissionLimits = AdmissionLimits()
    ) async throws -> Int {
      for (index, id) in ["a", "b"].enumerated() {
        #expect(try await bench.admit(try bench.job(id), lease: "w1.\(index)/\(id)", limits: limits).isAdmitted)
      }
      return try await park(waiting, bench, limits: limits)
    }

    private func park(
      _ ids: [String], _ bench: AdmissionBench, limits: AdmissionLimits = AdmissionLimits()
    ) async throws -> Int {
      var bay = 0
      for (index, id) in ids.enumerated() {
        let job = try bench.job(id)
        let place = try await bench.admit(job, lease: "w2.\(index)/\(id)", limits: limits).place
        guard case .bay(let number, let generation, let copy, _)? = place?.kind else {
          Issue.record("\(id) got no bay")
          return 0
        }
        bay = number
        let copies = [ParkedCopy(job: job, lane: .standard, bay: bay, generation: generation, copy: copy)]
        #expect(try await bench.desk.commit(copies) == [true])
      }
      return bay
    }

    private func explain(_ id: String, _ bench: AdmissionBench) async throws -> JobStanding {
      try #require(try await bench.desk.explain(id))
    }

    @Test func `a waiting job names its limit, who holds the slots, its place and its turn`() async throws {
      let bench = try await AdmissionBench.still()
      let bay = try await crowd(bench, waiting: ["c", "d", "e"])
      try bench.pass(.seconds(4))
      let standing = try await explain("e", bench)
      let wait = try #require(standing.wait)
      #expect(standing.state == .waiting && standing.lane == .standard && standing.run == nil && standing.attempt == 0)
      #expect(standing.user == Identifier.base64url("ana"))
      #expect(wait.reason == .concurrency && wait.concurrency == 2 && standing.active == 2)
      #expect(wait.place == .bay(bay) && standing.copy == 1 && wait.position == 3 && wait.gate == nil)
      #expect(standing.at.milliseconds - wait.since.milliseconds == 4000)
      let began = Timestamp(milliseconds: bench.now - 4000)
      #expect(Set(standing.holders.map(\.job)) == ["a", "b"])
      #expect(standing.holders.allSatisfy { $0.worker == "w1" && $0.since == began && $0.ends == .seconds(26) })
      #expect(standing.hold == nil && standing.isSurveyed && standing.isMoneyReady)
    }

    @Test func `the expected start follows what the user's runs have taken and when those in front began`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      _ = try await crowd(bench, waiting: ["c", "d", "e"])
      #expect(try await explain("d", bench).wait?.expected == .seconds(1), "a second each until one has ended")
      try bench.pass(.seconds(8))
      #expect(try await explain("d", bench).wait?.expected == .zero, "and at least as long as those that run")
      #expect(try await explain("e", bench).wait?.expected == .seconds(8))
      try bench.pass(.seconds(2))
      _ = try await bench.finish(try bench.job("a"), lease: "w1.0/a", run: "run-w1.0/a")
      #expect(try await explain("e", bench).wait?.expected == .seconds(10), "c and d now, then e")
      let told = try await bench.admit(try bench.job("f"), lease: "w2.9/f").place
      #expect(told?.position == 4 && told?.expected == .seconds(20), "four places, two at a time, ten seconds each")
      #expect(try await explain("f", bench).wait?.place == .parking(1), "its copy is not confirmed yet")
    }

    @Test func `a claim is a slot that is held for a moment`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await crowd(bench, waiting: ["c"])
      _ = try await bench.finish(try bench.job("a"), lease: "w1.0/a", run: "run-w1.0/a")
      let claimed = try await bench.desk.claim([.standard: 1], worker: "w3", number: 0, stamp: "policy")
      #expect(claimed.claims.count == 1)
      let holders = try await explain("c", bench).holders
      #expect(holders.filter(\.isClaim).map(\.worker) == ["w3"] && holders.filter(\.isClaim).map(\.job) == [nil])
      #expect(holders.filter { !$0.isClaim }.map(\.job) == ["b"])
    }

    @Test func `a rate says until when its gate is closed, and by which figures it was judged`() async throws {
      let bench = try await AdmissionBench.still()
      var limits = AdmissionLimits()
      limits.perMinute = 2
      limits.perSecond = 3
      limits.burst = 7
      limits.monthlyCap = Money("12.5")
      limits.audioSeconds = 36_000
      limits.videoMinutes = 60
      _ = try await crowd(bench, waiting: [], limits: limits)
      for (index, id) in ["a", "b"].enumerated() {
        _ = try await bench.finish(try bench.job(id), lease: "w1.\(index)/\(id)", run: "run-w1.\(index)/\(id)")
      }
      try bench.pass(.seconds(10))
      _ = try await park(["c"], bench, limits: limits)
      try bench.pass(.seconds(5))
      let wait = try #require(try await explain("c", bench).wait)
      #expect(wait.reason == .rate && wait.gateReason == .rate && wait.gate == .seconds(45))
      #expect(wait.expected == .seconds(45))
      #expect(wait.limits == limits)
    }

    @Test func `a running job and one that has ended are told with what is known of their attempts`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      #expect(try await bench.admit(job, lease: "w1.1/a").isAdmitted)
      let running = try await explain("a", bench)
      #expect(running.state == .running && running.run == "run-w1.1/a" && running.attempt == 1)
      #expect(running.lane == .standard && running.wait == nil && running.month == "2026-11")
      #expect(running.since == Timestamp(milliseconds: bench.now) && running.intent == Array("intent".utf8))
      _ = try await bench.finish(job, lease: "w1.1/a", run: "run-w1.1/a")
      let done = try await explain("a", bench)
      #expect(done.state == .done && done.status == .succeeded && done.result == Array("result".utf8))
      #expect(done.costs == [Array("cost".utf8)] && done.lane == .standard && done.holders.isEmpty)
    }

    @Test func `a run whose worker is gone is between two attempts once that was written down`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w1.1/a")
      try bench.pass(.seconds(31))
      #expect(try await explain("a", bench).active == 0)
      #expect(try await bench.declareUnknown(job, run: "run-w1.1/a", event: [1]))
      let queued = try await explain("a", bench)
      #expect(queued.state == .queued && queued.attempt == 1 && queued.costs == [[1]])
    }

    @Test func `a job that Redis does not know is not explained, and asking leaves nothing behind`() async throws {
      let bench = try await AdmissionBench.still()
      let fresh = try bench.another()
      #expect(try await fresh.desk.explain("nobody") == nil)
      #expect(try await fresh.desk.fleetFigures().hold == nil)
      try await fresh.desk.openEpoch()
      #expect(try await fresh.admit(try fresh.job("a"), lease: "w.1").isAdmitted, "asking began an epoch")
    }

    @Test func `a loss of Redis is told as long as nothing is granted`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.wipe()
      guard case .hold = try await bench.admit(try bench.job("a"), lease: "w.1") else {
        Issue.record("granted after a loss")
        return
      }
      try bench.pass(.seconds(10))
      let figures = try await bench.desk.fleetFigures()
      #expect(figures.hold == .seconds(20) && !figures.isSurveyed && !figures.isMoneyReady)
    }

    @Test func `waiting is counted by reason, and only what a user may run lacks nothing but a slot`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await crowd(bench, waiting: ["c", "d", "e"])
      #expect(try await bench.desk.fleetFigures().waiting[.standard] == [.concurrency: 3])
      #expect(try await bench.desk.fleetFigures().heads[.standard] == 0, "both slots are taken")
      _ = try await bench.finish(try bench.job("a"), lease: "w1.0/a", run: "run-w1.0/a")
      try bench.pass(.seconds(2))
      let figures = try await bench.desk.fleetFigures()
      #expect(figures.heads[.standard] == 1, "three wait, one may run")
      #expect(figures.oldestRunnable(.standard) == .seconds(2) && figures.oldestRunnable(.high) == .zero)
      #expect(figures.at.milliseconds == bench.now)
    }

    @Test func `the free slots of a user are counted once, whatever lanes its jobs wait in`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await crowd(bench, waiting: ["c"])
      let high = try bench.job("h")
      guard
        case .bay(let bay, let generation, let copy, _)? =
          try await bench.admit(high, lease: "w2.5/h", lane: .high).place?.kind
      else {
        Issue.record("no bay")
        return
      }
      _ = try await bench.desk.commit([
        ParkedCopy(job: high, lane: .high, bay: bay, generation: generation, copy: copy)
      ])
      _ = try await bench.finish(try bench.job("a"), lease: "w1.0/a", run: "run-w1.0/a")
      let heads = try await bench.desk.fleetFigures().heads
      #expect(heads[.high] == 1 && heads[.standard] == 0)
    }

    @Test func `workers say what they have done, and who is gone for an hour is forgotten`() async throws {
      let bench = try await AdmissionBench.still()
      var report = WorkerReport(worker: "w1", slots: 4)
      report.running[.high] = 3
      report.buffered[.high] = 2
      report.oldest[.high] = .milliseconds(1500)
      report.deliveries = 30
      report.finished = 10
      try await bench.desk.report(report)
      report.worker = "w2"
      report.oldest[.high] = .milliseconds(700)
      report.deliveries = 10
      try await bench.desk.report(report)
      let figures = try await bench.desk.fleetFigures()
      #expect(figures.workers.count == 2 && figures.slots == 8 && figures.messagesPerJob == 2)
      #expect(figures.running(.high) == 6 && figures.buffered(.high) == 4)
      #expect(figures.oldestRunnable(.high) == .milliseconds(1500))
      try bench.pass(.seconds(6))
      let later = try await bench.desk.fleetFigures()
      #expect(later.workers.isEmpty && later.messagesPerJob == nil)
      #expect(try await bench.redis.command(RedisCommand("HLEN").arg(bench.keys.workers)).int == 2)
      try bench.pass(.seconds(3600))
      _ = try await bench.desk.fleetFigures()
      #expect(try await bench.redis.command(RedisCommand("HLEN").arg(bench.keys.workers)).int == 0)
    }
  }
}
