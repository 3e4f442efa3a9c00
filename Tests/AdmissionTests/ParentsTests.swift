import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Jobs that wait for other jobs.
  @Suite struct ParentsTests {
    private func child(
      _ bench: AdmissionBench, _ id: String = "child", after: [String], user: String = "ana", replays: String? = nil
    ) throws -> ChildJob {
      let names = after.map { "\"\($0)\"" }.joined(separator: ",")
      let body = #"{"id":"\#(id)","userId":"\#(user)","taskType":"llm","payload":{"prompt":"x"},"after":[\#(names)]}"#
      guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw NoJob() }
      return ChildJob(job: job, lane: .standard, replays: replays, pause: .seconds(2))
    }

    private struct NoJob: Error {}

    /// With the pause that was asked for.
    private func waits(_ succeeded: Int) -> ParentsReply { .wait(succeeded: succeeded, pause: .seconds(2)) }

    private func ask(_ bench: AdmissionBench, _ child: ChildJob) async throws -> ParentsReply {
      try await bench.desk.parents(of: [child])[0]
    }

    /// Runs a job to its end.
    private func end(
      _ bench: AdmissionBench, _ id: String, user: String = "ana", _ status: RunStatus = .succeeded,
      output: String? = "{}"
    ) async throws {
      let job = try bench.job(id, user: user)
      _ = try await bench.admit(job, lease: "w.\(id)", limit: 10)
      _ = try await bench.desk.finish([
        Finish(
          job: job, leaseID: "w.\(id)", run: "run-w.\(id)", status: status, result: Array("{}".utf8),
          output: output.map { Array($0.utf8) }, attempt: 1, costs: [])
      ])
    }

    private func waiting(_ bench: AdmissionBench) async throws -> [WaitReason: Int] {
      (try await bench.desk.fleetFigures().waiting[.standard] ?? [:]).filter { $0.value != 0 }
    }

    @Test func `it is ready when all have succeeded, and shown as waiting until then`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(bench, after: ["a", "b", "c"])
      try await end(bench, "a")
      _ = try await bench.admit(try bench.job("b"), lease: "w.b", limit: 1)
      _ = try await bench.admit(try bench.job("c"), lease: "w.c", limit: 1)
      #expect(try await ask(bench, child) == waits(1))
      try bench.pass(.seconds(2))
      #expect(try await ask(bench, child) == waits(1))
      #expect(try await waiting(bench) == [.parents: 1, .concurrency: 1])
      let standing = try #require(try await bench.desk.explain("child"))
      let wait = try #require(standing.wait)
      #expect(wait.reason == .parents && wait.place == .ladder && wait.parents == .init(succeeded: 1, all: 3))
      #expect(wait.since.milliseconds == bench.now - 2000 && standing.active == 1, "it holds no slot")
      _ = try await bench.finish(try bench.job("b"), lease: "w.b", run: "run-w.b")
      try await end(bench, "c")
      #expect(try await ask(bench, child) == .ready)
      #expect(try await bench.admit(child.job, lease: "w.child", limit: 2).isAdmitted)
      #expect(try await waiting(bench) == [:])
      #expect(try await ask(bench, child) == .ask, "it runs")
    }

    @Test func `one that ended otherwise or is somebody else's is named, a blocked one is waited for`() async throws {
      let bench = try await AdmissionBench.still()
      try await end(bench, "good")
      for (id, status) in [("f", RunStatus.failed), ("c", .cancelled)] {
        try await end(bench, id, status)
        #expect(try await ask(bench, try child(bench, after: ["good", id])) == .failed(id, status))
      }
      try await end(bench, "foreign", user: "ben")
      #expect(try await ask(bench, try child(bench, after: ["foreign"])) == .failed("foreign", nil))
      try await end(bench, "b", .blocked, output: nil)
      #expect(try await ask(bench, try child(bench, after: ["good", "b"])) == waits(1))
      try bench.pass(.seconds(20 * 86400))
      #expect(try await bench.desk.explain("b")?.status == .blocked, "its letter may still be released")
    }

    @Test func `one that nobody knows is missing after ten minutes in which somebody looked`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(bench, after: ["nobody"])
      #expect(try await ask(bench, child) == waits(0))
      // Nobody looked for an hour: that counts as a minute.
      try bench.pass(.seconds(3600))
      for _ in 0..<9 {
        #expect(try await ask(bench, child) == waits(0))
        try bench.pass(.seconds(60))
      }
      #expect(try await ask(bench, child) == .missing("nobody"))
      #expect(try await bench.desk.takeAsked(limit: 10) == ["nobody"])
      #expect(try await bench.desk.takeAsked(limit: 10) == [])
    }

    @Test func `one that was known meanwhile is missed anew`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(bench, after: ["a", "b"])
      #expect(try await ask(bench, child) == waits(0))
      for _ in 0..<9 {
        try bench.pass(.seconds(60))
        #expect(try await ask(bench, child) == waits(0))
      }
      _ = try await bench.admit(try bench.job("a"), lease: "w.a")
      try bench.pass(.seconds(60))
      #expect(try await ask(bench, child) == .missing("b"))
      try await end(bench, "b")
      #expect(try await ask(bench, child) == waits(1))
      _ = try await bench.redis.command(RedisCommand("DEL").arg(bench.keys.job("a")))
      try bench.pass(.seconds(60))
      #expect(try await ask(bench, child) == waits(1), "a is missed from now on")
    }

    @Test func `what the ledger says counts, for its user alone`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(bench, after: ["a", "b"])
      #expect(try await ask(bench, child) == waits(0))
      let file = Array(#"{"artifact":{}}"#.utf8)
      try await bench.desk.tell(of: [
        ("ana", ParentOutput(id: "a", taskType: "tts", output: file)),
        ("ana", ParentOutput(id: "b", taskType: "llm", output: nil)),
        ("ben", ParentOutput(id: "c", taskType: "llm", output: nil)),
      ])
      #expect(try await ask(bench, child) == .ready)
      #expect(
        try await bench.desk.inputs(for: [child.job], within: 100) == [
          .inputs([
            ParentOutput(id: "a", taskType: "tts", output: file), ParentOutput(id: "b", taskType: "llm", output: nil),
          ])
        ])
      let stranger = try self.child(bench, "other", after: ["c"])
      #expect(try await ask(bench, stranger) == .failed("c", nil))
      #expect(try await bench.desk.inputs(for: [stranger.job], within: 100) == [.gone("c")])
    }

    @Test func `what was waited for is kept until the child has it, and not beyond its bound`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(bench, after: ["a", "b"])
      try await end(bench, "a", output: #""0123456789""#)
      _ = try await bench.admit(try bench.job("b"), lease: "w.b", limit: 1)
      #expect(try await ask(bench, child) == waits(1))
      try bench.pass(.seconds(2 * 86400))
      #expect(try await ask(bench, child) == waits(1), "an hour and a day are over")
      _ = try await bench.finish(try bench.job("b"), lease: "w.b", run: "run-w.b")
      #expect(try await ask(bench, child) == .ready)
      let outputs = [
        ParentOutput(id: "a", taskType: "echo", output: Array(#""0123456789""#.utf8)),
        ParentOutput(id: "b", taskType: "echo", output: Array("output".utf8)),
      ]
      #expect(try await bench.desk.inputs(for: [child.job], within: 18) == [.inputs(outputs)])
      #expect(try await bench.desk.inputs(for: [child.job], within: 17) == [.tooLarge])
    }

    @Test func `an output that is not kept any more is asked of the ledger`() async throws {
      let bench = try await AdmissionBench.still()
      try await end(bench, "a")
      try bench.pass(.seconds(3700))
      let child = try child(bench, after: ["a"])
      #expect(try await ask(bench, child) == waits(0))
      #expect(try await bench.desk.takeAsked(limit: 10) == ["a"])
      try await bench.desk.tell(of: [("ana", ParentOutput(id: "a", taskType: "echo", output: nil))])
      #expect(try await ask(bench, child) == .ready)
    }

    @Test func `a child that is replayed waits again, another body under its id does not`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(bench, after: ["a"])
      #expect(try await ask(bench, child) == waits(0))
      var other = child
      other.job = try self.child(bench, after: ["b"]).job
      #expect(try await ask(bench, other) == .ask)
      let end = Finish(
        job: child.job, leaseID: nil, run: "r1", status: .failed, result: Array("{}".utf8), output: nil, attempt: 0,
        costs: [])
      _ = try await bench.desk.finish([end])
      #expect(try await ask(bench, child) == .ask)
      #expect(try await waiting(bench) == [:])
      var replayed = child
      replayed.replays = "r1"
      #expect(try await ask(bench, replayed) == waits(0))
      #expect(try await waiting(bench) == [.parents: 1])
      #expect(try await bench.desk.explain("child")?.status == nil)
    }
  }
}
