import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Jobs that are to end before their time.
  @Suite struct CancelTests {
    private func cancel(_ bench: AdmissionBench, _ id: String) async throws -> CancelReply {
      try await bench.desk.cancel(id, note: "by anna")
    }

    private func idle(_ bench: AdmissionBench, _ id: String) async throws -> IdleJob {
      guard case .idle(let job) = try await cancel(bench, id) else { throw NotIdle() }
      return job
    }

    private struct NotIdle: Error {}

    private func end(_ bench: AdmissionBench, _ job: IdleJob, run: String = "cancelled-run") async throws -> FinishReply
    {
      try await bench.desk.finish([Finish(cancelling: job, run: job.run ?? run, result: Array(#"{"a":1}"#.utf8))])[0]
    }

    @Test func `what nobody knows or has ended is told`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await cancel(bench, "nobody") == .unknown)
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1")
      _ = try await bench.finish(job, lease: "w.1", run: "run-w.1")
      #expect(try await cancel(bench, "a") == .ended(.succeeded))
    }

    @Test func `one that waits is ended by who asks, and absorbed when it comes up`() async throws {
      let bench = try await AdmissionBench.still()
      let (first, second) = (try bench.job("a"), try bench.job("b"))
      _ = try await bench.admit(first, lease: "w.1", limit: 1)
      _ = try await bench.admit(second, lease: "w.2", limit: 1)
      let found = try await idle(bench, "b")
      #expect(found.run == nil && found.attempt == 0 && found.taskType == .echo && found.digest == second.digest)
      #expect(try await end(bench, found) == .finished(run: "cancelled-run", next: nil))
      #expect(try await bench.desk.fleetFigures().waiting[.standard]?[.concurrency] == 0)
      guard case .finished(let run) = try await bench.admit(second, lease: "w.3", limit: 5) else {
        Issue.record("a cancelled job was not known")
        return
      }
      #expect(run.status == .cancelled && run.run == "cancelled-run")
      #expect(try await cancel(bench, "b") == .ended(.cancelled))
    }

    @Test func `one whose canceller died is not begun by anybody`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1)
      _ = try await bench.admit(try bench.job("b"), lease: "w.2", limit: 1)
      _ = try await idle(bench, "b")
      #expect(
        try await bench.admit(try bench.job("b"), lease: "w.3", limit: 5)
          == .cancelled(note: "by anna", run: nil, attempt: 0, costs: []))
    }

    @Test func `the worker of one that runs is told until it says that it did it`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1/a")
      #expect(try await cancel(bench, "a") == .stopping)
      #expect(try await cancel(bench, "a") == .stopping)
      let report = WorkerReport(worker: "w", slots: 1)
      for _ in 0..<2 {
        let told = try await bench.desk.report(report)
        #expect(told.map(\.leaseID) == ["w.1/a"] && told.map(\.note) == ["by anna"])
      }
      #expect(try await bench.desk.report(WorkerReport(worker: "v", slots: 1)) == [])
      try await bench.desk.forget(try await bench.desk.report(report), of: "w")
      #expect(try await bench.desk.report(report) == [])
    }

    @Test func `the attempt of a worker that is gone is declared, and then the job ends with it`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1/a")
      _ = try await cancel(bench, "a")
      try bench.pass(.seconds(31))
      guard case .orphan(let run, let attempt, _, _) = try await bench.admit(job, lease: "v.1/a") else {
        Issue.record("not an orphan")
        return
      }
      #expect(try await bench.declareUnknown(job, run: run, attempt: attempt, event: [7]))
      #expect(
        try await bench.admit(job, lease: "v.2/a")
          == .cancelled(note: "by anna", run: run, attempt: 1, costs: [[7]]))
      let found = try await idle(bench, "a")
      #expect(found.run == run && found.attempt == 1 && found.costs == [[7]])
      #expect(try await end(bench, found) == .finished(run: run, next: nil))
    }

    @Test func `who continues an attempt of a cancelled job is told at once`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a", task: "video", payload: #"{"prompt":"x"}"#)
      _ = try await bench.admit(job, lease: "w.1/a")
      _ = try await cancel(bench, "a")
      try bench.pass(.seconds(31))
      guard
        case .continued = try await bench.desk.continueAttempt(
          job, run: "run-w.1/a", attempt: 1, leaseID: "v.1/a", limit: 2)
      else {
        Issue.record("not continued")
        return
      }
      #expect(try await bench.desk.report(WorkerReport(worker: "v", slots: 1)).map(\.leaseID) == ["v.1/a"])
    }

    @Test func `a blocked job is cancelled as a run of its own, and its release runs nothing`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.desk.finish([
        Finish(
          job: job, leaseID: nil, run: "r1", status: .blocked, result: Array("{}".utf8), output: nil, attempt: 0,
          costs: [])
      ])
      let found = try await idle(bench, "a")
      #expect(found.run == nil)
      #expect(try await end(bench, found, run: "r2") == .finished(run: "r2", next: nil))
      try bench.pass(.seconds(31 * 86400))
      guard case .finished(let run) = try await bench.admit(job, lease: "w.1", replays: "r1") else {
        Issue.record("a cancelled job ran when it was released")
        return
      }
      #expect(run.status == .cancelled && run.run == "r2")
      #expect(try await bench.admit(try bench.job("a", user: "ben"), lease: "w.2") == .conflict)
    }

    @Test func `one that came in and that no worker has looked at is waited for, and ended by who asks`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let request = DoorRequest(job: job, lane: .high, tier: "PRO", concurrency: 1, limits: AdmissionLimits())
      _ = try await bench.desk.askDoor([request])
      let body = #"{"id":"b","userId":"ana","taskType":"echo","payload":{},"after":["a"]}"#
      guard case .job(let child) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw NotIdle() }
      let waiting = ChildJob(job: child, lane: .high, replays: nil, pause: .seconds(1))
      #expect(try await bench.desk.parents(of: [waiting]) == [.wait(succeeded: 0, pause: .seconds(1))])
      #expect(try await bench.desk.takeAsked(limit: 1) == [], "it is known")
      let found = try await idle(bench, "a")
      #expect(found.taskType == nil && found.digest == job.digest && found.userKey == job.userKey)
      #expect(try await end(bench, found) == .finished(run: "cancelled-run", next: nil))
      #expect(try await bench.desk.parents(of: [waiting]) == [.failed("a", .cancelled)])
      guard case .finished = try await bench.admit(job, lease: "w.1") else {
        Issue.record("a cancelled job ran")
        return
      }
    }

    @Test func `two who end it at once end it once`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1)
      _ = try await bench.admit(try bench.job("b"), lease: "w.2", limit: 1)
      let found = try await idle(bench, "b")
      #expect(try await end(bench, found, run: "r1") == .finished(run: "r1", next: nil))
      guard case .known(let run) = try await end(bench, found, run: "r2") else {
        Issue.record("ended twice")
        return
      }
      #expect(run.run == "r1")
    }

    @Test func `an attempt that was granted and never heard of gives its money back`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      var limits = AdmissionLimits()
      limits.monthlyCap = Money(nanoUSD: 1000)
      let worst = Spending(nanoUSD: 100, jobs: 1)
      try await bench.redis.makeMoneyKnown(bench.keys)
      #expect(try await bench.admit(job, lease: "w.1", limits: limits, worst: worst).isAdmitted)
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: worst)
      #expect(
        try await bench.advance(lease, event: [1], spent: Spending(nanoUSD: 7, jobs: 1), worst: worst, limits: limits)
          == .advanced)
      _ = try await bench.finish(
        job, lease: "w.1", run: "run-w.1", cost: "cost", spent: Spending(nanoUSD: 7, jobs: 1), month: "2026-11")
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == Spending(nanoUSD: 7, jobs: 1))
    }
  }
}

extension RedisClient {
  /// As billing does when it has caught up.
  fileprivate func makeMoneyKnown(_ keys: AdmissionKeys) async throws {
    let epoch = try await command(RedisCommand("GET").arg(keys.epoch)).bytes ?? []
    _ = try await command(RedisCommand("SET").arg(keys.moneyReady).arg(epoch))
  }
}
