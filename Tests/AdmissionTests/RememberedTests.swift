import Admission
import Contracts
import Testing

extension StillClockTests {
  /// What is known of a job after it has ended, and for how long.
  @Suite struct RememberedTests {
    private static let files = #"{"artifact":{"path":"a.mp4","mediaType":"video/mp4","bytes":3,"sha256":"00"}}"#

    private func end(_ bench: AdmissionBench, _ job: Job, _ output: String) async throws {
      _ = try await bench.admit(job, lease: "w.\(job.id)", limit: 9)
      let end = Finish(
        job: job, leaseID: "w.\(job.id)", run: "run-w.\(job.id)", status: .succeeded, result: Array("result".utf8),
        output: Array(output.utf8), attempt: 1, costs: [])
      _ = try await bench.desk.finish([end])
    }

    private func film(after parents: String) throws -> Job {
      let body = Array(#"{"id":"film","userId":"ana","taskType":"echo","payload":{},"after":[\#(parents)]}"#.utf8)
      guard case .job(let job) = JobMessage.decode(body, messageID: nil) else { throw NotAJob() }
      return job
    }

    @Test func `files are known as long as their job, a text for an hour, and neither is announced again after that`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let (film, text) = (try bench.job("film"), try bench.job("text"))
      try await end(bench, film, Self.files)
      try await end(bench, text, #"{"text":"hello"}"#)
      #expect(try await bench.desk.outputs(of: ["film", "text"]).allSatisfy { $0 != nil })
      try bench.pass(.seconds(3700))
      #expect(try await bench.desk.outputs(of: ["film", "text"]) == [nil, nil])
      #expect(try await bench.desk.explain("film")?.files == Array(Self.files.utf8))
      #expect(try await bench.desk.explain("text")?.files == nil)
      for job in [film, text] {
        guard case .finished(let run) = try await bench.admit(job, lease: "w.again") else {
          Issue.record("\(job.id) ran again")
          continue
        }
        #expect(run.output == nil && run.result == Array("result".utf8))
      }
      try bench.pass(.seconds(24 * 3600))
      #expect(try await bench.desk.explain("film") == nil)
    }

    @Test func `an output that only looks like many files is not kept`() async throws {
      let bench = try await AdmissionBench.still()
      try await end(bench, try bench.job("a"), #"{"artifact":"\#(String(repeating: "x", count: 70_000))"}"#)
      #expect(try await bench.desk.explain("a")?.files == nil)
    }

    @Test func `a job that waited for others is remembered as long as they are`() async throws {
      let bench = try await AdmissionBench.still()
      try await end(bench, try bench.job("a"), Self.files)
      let film = try film(after: #""a""#)
      let child = ChildJob(job: film, lane: .low, replays: nil, pause: .seconds(1))
      #expect(try await bench.desk.parents(of: [child]) == [.ready])
      try await end(bench, film, Self.files)
      try bench.pass(.seconds(6 * 86400))
      #expect(try await bench.desk.explain("a")?.status == .succeeded)
      #expect(try await bench.desk.explain("film")?.files == Array(Self.files.utf8))
      try bench.pass(.seconds(86401))
      #expect(try await bench.desk.explain("a") == nil)
      #expect(try await bench.desk.explain("film") == nil)
    }

    @Test func `so is one that was cancelled while it waited for them`() async throws {
      let bench = try await AdmissionBench.still()
      try await end(bench, try bench.job("a"), Self.files)
      _ = try await bench.admit(try bench.job("b"), lease: "w.b")
      let child = ChildJob(job: try film(after: #""a","b""#), lane: .low, replays: nil, pause: .seconds(1))
      #expect(try await bench.desk.parents(of: [child]) == [.wait(succeeded: 1, pause: .seconds(1))])
      guard case .idle(let idle) = try await bench.desk.cancel("film", note: "by anna") else {
        Issue.record("not cancelled")
        return
      }
      _ = try await bench.desk.finish([Finish(cancelling: idle, run: "r2", result: Array("{}".utf8))])
      try bench.pass(.seconds(6 * 86400))
      #expect(try await bench.desk.explain("a")?.status == .succeeded)
      #expect(try await bench.desk.explain("film")?.status == .cancelled)
    }

    @Test func `a worker that says that it ends is not counted any more`() async throws {
      let bench = try await AdmissionBench.still()
      for worker in ["v", "w"] { try await bench.desk.report(WorkerReport(worker: worker, slots: 8)) }
      #expect(try await bench.desk.fleetFigures().slots == 16)
      try await bench.desk.withdraw("v")
      #expect(try await bench.desk.fleetFigures().workers.map(\.worker) == ["w"])
      try await bench.desk.withdraw("v")
    }
  }
}

private struct NotAJob: Error {}
