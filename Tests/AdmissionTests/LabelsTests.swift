import Admission
import Contracts
import Testing

extension StillClockTests {
  /// What is kept of a job for the result of whoever ends it without its message.
  @Suite struct LabelsTests {
    private struct Unexpected: Error {}
    private static let queuedAt = Timestamp(milliseconds: 1_795_000_000_000)

    private func job(_ id: String, _ metadata: String) throws -> Job {
      let body =
        #"{"id":"\#(id)","userId":"ana","taskType":"echo","payload":{},"seriesId":"a series","metadata":\#(metadata)}"#
      guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw Unexpected() }
      return job
    }

    private func labels(_ bench: AdmissionBench, _ id: String) async throws -> JobLabels {
      guard case .idle(let idle) = try await bench.desk.cancel(id, note: "by anna") else { throw Unexpected() }
      return idle.labels
    }

    @Test func `tier, time, series and metadata of a job that waits are known, wherever it waits`() async throws {
      let bench = try await AdmissionBench.still()
      let metadata = "{\"of\": [1,\n \"\\u00e9\"]}"
      let jobs = try ["running", "limited", "resting", "child"].map { try job($0, metadata) }
      let expected = JobLabels(of: jobs[0], tier: "PRO", queuedAt: Self.queuedAt)
      #expect(expected.metadata == Array(metadata.utf8) && expected.seriesID == "a series")
      let asked = jobs.prefix(2).map { job in
        AdmissionRequest(
          job: job, lane: .low, limit: 1, leaseID: "w.\(job.id)", runStamp: "r", intent: [], labels: expected)
      }
      _ = try await bench.desk.admit(asked)
      _ = try await bench.desk.rest([
        RestingJob(job: jobs[2], lane: .low, until: Self.queuedAt, reason: .notBefore, labels: expected)
      ])
      let child = ChildJob(job: jobs[3], lane: .low, replays: nil, pause: .seconds(1), labels: expected)
      #expect(try await bench.desk.parents(of: [child]) == [.ready], "it waits for nothing")
      for id in ["limited", "resting"] { #expect(try await labels(bench, id) == expected, "\(id)") }
    }

    @Test func `of a job that no worker has seen the door knows the tier and the time`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try job("a", #"{"b":1}"#)
      _ = try await bench.desk.askDoor([
        DoorRequest(job: job, lane: .high, tier: "BUSINESS", concurrency: 1, limits: AdmissionLimits())
      ])
      let known = try await labels(bench, "a")
      #expect(known.tier == "BUSINESS" && known.queuedAt == Timestamp(milliseconds: bench.now))
      #expect(known.seriesID == nil && known.metadata == nil)
    }

    @Test func `long metadata is not kept`() async throws {
      let fits = String(repeating: "x", count: JobLabels.mostMetadata - 8)
      #expect(JobLabels(of: try job("a", #"{"a":"\#(fits)"}"#), tier: nil, queuedAt: Self.queuedAt).metadata != nil)
      #expect(JobLabels(of: try job("a", #"{"a":"\#(fits)x"}"#), tier: nil, queuedAt: Self.queuedAt).metadata == nil)
    }
  }
}
