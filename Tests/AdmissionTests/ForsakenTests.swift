import Admission
import Contracts
import Testing

extension StillClockTests {
  /// Jobs that were made for another one, which will not run.
  @Suite struct ForsakenTests {
    private struct Unexpected: Error {}

    private func child(of parents: [String]) throws -> Job {
      let names = parents.map { "\"\($0)\"" }.joined(separator: ",")
      let body =
        #"{"id":"film","userId":"ana","taskType":"video","payload":{"prompt":"x"},"after":[\#(names)],"ownsAfter":true}"#
      guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw Unexpected() }
      #expect(job.ownsAfter)
      return job
    }

    @Test func `those that wait, or that no worker has seen, are not begun`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("runs"), lease: "w.1", limit: 1)
      _ = try await bench.admit(try bench.job("waits"), lease: "w.2", limit: 1)
      _ = try await bench.desk.askDoor([
        DoorRequest(
          job: try bench.job("unseen"), lane: .standard, tier: "PRO", concurrency: 1, limits: AdmissionLimits())
      ])
      let film = try child(of: ["runs", "waits", "unseen", "unknown"])
      for _ in 0..<2 { try await bench.desk.forsake(parentsOf: [(film, note: "with film")]) }
      for id in ["waits", "unseen"] {
        #expect(
          try await bench.admit(try bench.job(id), lease: "w.3", limit: 5)
            == .cancelled(note: "with film", run: nil, attempt: 0, costs: []))
      }
      #expect(try await bench.admit(try bench.job("unknown"), lease: "w.4", limit: 5, lane: .high).isAdmitted)
      #expect(try await bench.desk.report(WorkerReport(worker: "w", slots: 1)) == [], "what runs goes on")
      #expect(
        try await bench.finish(try bench.job("runs"), lease: "w.1", run: "run-w.1")
          == .finished(run: "run-w.1", next: nil))
    }

    @Test func `those of another user, and those that have ended, are left alone`() async throws {
      let bench = try await AdmissionBench.still()
      for user in ["ana", "ben"] {
        _ = try await bench.admit(try bench.job("\(user)-1", user: user), lease: user, limit: 1)
      }
      _ = try await bench.admit(try bench.job("theirs", user: "ben"), lease: "w.1", limit: 1)
      _ = try await bench.desk.askDoor([
        DoorRequest(
          job: try bench.job("unseen", user: "ben"), lane: .standard, tier: "PRO", concurrency: 1,
          limits: AdmissionLimits())
      ])
      _ = try await bench.finish(try bench.job("ana-1"), lease: "ana", run: "run-ana")
      let film = try child(of: ["ana-1", "theirs", "unseen"])
      try await bench.desk.forsake(parentsOf: [(film, note: "with film")])
      #expect(try await bench.desk.explain("ana-1")?.status == .succeeded)
      #expect(try await bench.admit(try bench.job("theirs", user: "ben"), lease: "w.2", limit: 9).isAdmitted)
      #expect(try await bench.admit(try bench.job("unseen", user: "ben"), lease: "w.3", limit: 9).isAdmitted)
    }
  }
}
