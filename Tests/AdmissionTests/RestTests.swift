import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Jobs that wait because every provider of theirs rests.
  @Suite struct RestTests {
    private func rest(_ bench: AdmissionBench, _ ids: String..., seconds: Int64 = 9) async throws -> [Bool] {
      try await bench.desk.rest(
        try ids.map {
          RestingJob(
            job: try bench.job($0), lane: .standard, until: Timestamp(milliseconds: bench.now + seconds * 1000))
        })
    }

    @Test func `what was passed over is kept for as long as the job rests`() async throws {
      let bench = try await AdmissionBench.still()
      let skips = [
        RouteSkip("openai", "gpt-x", version: "2.0.0", .pin),
        RouteSkip("anthropic", "claude-x", version: nil, .breaker),
      ]
      let until = Timestamp(milliseconds: bench.now + 9000)
      try await bench.desk.rest([
        RestingJob(job: try bench.job("a"), lane: .standard, until: until, passedOver: skips)
      ])
      #expect(try await bench.desk.explain("a")?.passedOver == skips)
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1).isAdmitted)
      #expect(try await bench.desk.explain("a")?.passedOver == [])
    }

    private func waiting(_ bench: AdmissionBench) async throws -> [WaitReason: Int] {
      (try await bench.desk.fleetFigures().waiting[.standard] ?? [:]).filter { $0.value != 0 }
    }

    @Test func `a job that rests is shown with its reason and its time, however often it is told`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await rest(bench, "a", "b") == [true, true])
      try bench.pass(.seconds(4))
      #expect(try await rest(bench, "a", seconds: 16) == [true])
      #expect(try await waiting(bench) == [.providerResting: 2])
      let standing = try #require(try await bench.desk.explain("a"))
      let wait = try #require(standing.wait)
      #expect(standing.state == .waiting && standing.lane == .standard && standing.run == nil)
      #expect(wait.reason == .providerResting && wait.place == .ladder && wait.position == 1)
      #expect(wait.expected == .seconds(16) && wait.since.milliseconds == bench.now - 4000)
      #expect(try await bench.desk.explain("b")?.wait?.expected == .seconds(5))
    }

    @Test func `the next admission undoes it, whatever it comes to`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await rest(bench, "a", "b", "c", "d")
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1).isAdmitted)
      #expect(try await bench.admit(try bench.job("b"), lease: "w.2", limit: 1).place?.reason == .concurrency)
      #expect(try await waiting(bench) == [.providerResting: 2, .concurrency: 1])
      #expect(try await bench.desk.explain("b")?.wait?.reason == .concurrency)
      #expect(
        try await bench.finish(try bench.job("c"), lease: nil, run: "x", attempt: 0, cost: nil)
          == .finished(run: "x", next: nil))
      #expect(try await rest(bench, "b") == [true])
      #expect(try await waiting(bench) == [.providerResting: 2])
    }

    @Test func `what runs, has ended or is another body is left alone`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1")
      #expect(try await rest(bench, "a") == [false])
      try bench.pass(.seconds(31))
      #expect(try await rest(bench, "a") == [false], "an orphan, too")
      _ = try await bench.finish(job, lease: "w.1", run: "run-w.1")
      #expect(try await rest(bench, "a") == [false])
      _ = try await rest(bench, "b")
      let other = try bench.job("b", user: "ben")
      #expect(
        try await bench.desk.rest([RestingJob(job: other, lane: .low, until: Timestamp(milliseconds: bench.now))])
          == [false])
      #expect(try await waiting(bench) == [.providerResting: 1])
    }

    /// Of a job whose run r1 ended so, and whose message came again.
    private func letter(
      _ bench: AdmissionBench, _ id: String, _ status: RunStatus, replays: String,
      _ reason: WaitReason = .providerResting
    ) async throws -> RestingJob {
      let job = try bench.job(id)
      let end = Finish(
        job: job, leaseID: nil, run: "r1", status: status, result: Array("{}".utf8), output: nil, attempt: 0, costs: [])
      _ = try await bench.desk.finish([end])
      return RestingJob(
        job: job, lane: .standard, until: Timestamp(milliseconds: bench.now + 9000), reason: reason, replays: replays)
    }

    @Test(arguments: [
      (RunStatus.failed, WaitReason.providerResting), (.failed, .notBefore), (.blocked, .providerResting),
      (.blocked, .notBefore),
    ])
    func `a letter that was replayed or released waits, and can be cancelled`(
      _ status: RunStatus, _ reason: WaitReason
    ) async throws {
      let bench = try await AdmissionBench.still()
      let letter = try await letter(bench, "a", status, replays: "r1", reason)
      #expect(try await bench.desk.rest([letter, letter]) == [true, true])
      #expect(try await waiting(bench) == [reason: 1])
      let standing = try #require(try await bench.desk.explain("a"))
      #expect(standing.state == .waiting && standing.wait?.reason == reason)
      #expect(standing.status == nil && standing.run == nil && standing.result == nil)
      guard case .idle(let idle) = try await bench.desk.cancel("a", note: "by anna") else {
        Issue.record("it cannot be cancelled")
        return
      }
      _ = try await bench.desk.finish([Finish(cancelling: idle, run: "r2", result: Array("{}".utf8))])
      #expect(try await bench.desk.rest([letter]) == [false], "its message comes once more")
      #expect(try await bench.desk.explain("a")?.status == .cancelled)
      #expect(try await waiting(bench) == [:])
      guard case .finished(let run) = try await bench.admit(letter.job, lease: "w.1", replays: "r1") else {
        Issue.record("a cancelled job ran")
        return
      }
      #expect(run.run == "r2")
    }

    @Test func `a letter that rested runs as a new run, and one of another run is left alone`() async throws {
      let bench = try await AdmissionBench.still()
      let letter = try await letter(bench, "a", .failed, replays: "r1")
      let stranger = try await self.letter(bench, "b", .failed, replays: "r0")
      #expect(try await bench.desk.rest([letter, stranger]) == [true, false])
      guard case .admitted("run-w.1", 1, _, _, _, []) = try await bench.admit(letter.job, lease: "w.1", replays: "r1")
      else {
        Issue.record("no new run")
        return
      }
      #expect(try await bench.desk.rest([letter]) == [false])
      _ = try await bench.finish(letter.job, lease: "w.1", run: "run-w.1")
      #expect(try await bench.desk.rest([letter]) == [false])
      #expect(try await waiting(bench) == [:])
    }

    @Test func `a run that paused rests with its attempts, and goes on with them`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1")
      _ = try await bench.desk.pause(lease, ended: AttemptCost(attempt: 1, event: [1], spent: nil))
      #expect(try await rest(bench, "a") == [true])
      #expect(try await bench.desk.pause(lease, ended: AttemptCost(attempt: 1, event: [1], spent: nil)) == .refused)
      #expect(try await bench.desk.renew([lease]) == [.lost])
      guard case .admitted("run-w.1", 2, 1, _, _, [[1]]) = try await bench.admit(job, lease: "w.2") else {
        Issue.record("not admitted with its attempts")
        return
      }
      #expect(try await waiting(bench) == [:])
    }

    @Test func `a holder that writes itself back after a loss takes the job out of the count`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1")
      try await bench.wipe()
      #expect(try await rest(bench, "a") == [true], "nobody knows yet that it runs")
      #expect(try await bench.desk.renew([bench.held(job, lease: "w.1", run: "run-w.1")]) == [.restored])
      #expect(try await waiting(bench) == [:])
    }
  }
}
