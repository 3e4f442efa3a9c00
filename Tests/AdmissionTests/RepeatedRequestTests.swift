import Admission
import Contracts
import Testing

extension StillClockTests {
  /// A request for many jobs that comes again.
  @Suite struct RepeatedRequestTests {
    private static let limits = AdmissionLimits(perMinute: 2)

    private func ask(
      _ bench: AdmissionBench, _ request: Job, knownBy job: Job
    ) async throws -> DoorAnswer {
      try await bench.desk.askDoor([
        DoorRequest(
          job: request, lane: .standard, tier: "PRO", concurrency: 2, limits: Self.limits, jobs: [job])
      ])[0]
    }

    @Test func `one that the broker has is known, and takes nothing`() async throws {
      let bench = try await AdmissionBench.still()
      let (request, film) = (try bench.job("story"), try bench.job("film"))
      guard case .pass = try await ask(bench, request, knownBy: film) else { throw Unexpected() }
      try await bench.desk.confirm(request: request)
      for _ in 0..<3 {
        guard case .known = try await ask(bench, request, knownBy: film) else { throw Unexpected() }
      }
      let another = try bench.job("story", payload: #"{"another":"script"}"#)
      #expect(try await ask(bench, another, knownBy: film) == .conflict)
      #expect(try await ask(bench, another, knownBy: try bench.job("longer-film")) == .conflict)
      guard case .pass(_, let windows) = try await ask(bench, try bench.job("other"), knownBy: try bench.job("g"))
      else { throw Unexpected() }
      #expect(windows.minute?.left == 0, "only two were counted")
      #expect(try await bench.desk.explain("story") == nil, "it is no job")
    }

    @Test func `one that the broker may not have whole is let in again, although a worker knows a job of it`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let (request, film) = (try bench.job("story"), try bench.job("film"))
      guard case .pass = try await ask(bench, request, knownBy: film) else { throw Unexpected() }
      _ = try await bench.desk.rest([RestingJob(job: film, lane: .standard, until: Timestamp(milliseconds: bench.now))])
      try await bench.desk.doubt([], of: request.id)
      guard case .pass = try await ask(bench, request, knownBy: film) else { throw Unexpected() }
    }

    @Test func `one whose last job runs or has ended is known, however long ago it came`() async throws {
      let bench = try await AdmissionBench.still()
      let (request, film) = (try bench.job("story"), try bench.job("film"))
      _ = try await bench.admit(film, lease: "w.1")
      guard case .known(let place) = try await ask(bench, request, knownBy: film) else { throw Unexpected() }
      #expect(place.position == 0)
      _ = try await bench.finish(film, lease: "w.1", run: "run-w.1")
      guard case .known = try await ask(bench, request, knownBy: film) else { throw Unexpected() }
      let other = try bench.job("film", payload: #"{"of":"another script"}"#)
      #expect(try await ask(bench, request, knownBy: other) == .conflict)
    }

    @Test func `what any of its jobs uses of a month is asked for`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.book(row: 1, Spending(audioMilliseconds: 60_000, jobs: 1))
      var limits = AdmissionLimits()
      limits.audioSeconds = 60
      let jobs = try [("film", "video"), ("voice", "tts")].map {
        try bench.job($0.0, task: $0.1, payload: #"{"prompt":"x","text":"x"}"#)
      }
      func answer(_ jobs: [Job]) async throws -> DoorAnswer {
        try await bench.desk.askDoor([
          DoorRequest(
            job: jobs[0], lane: .standard, tier: "PRO", concurrency: 2, limits: limits, jobs: jobs)
        ])[0]
      }
      guard case .pass = try await answer([jobs[0]]) else { throw Unexpected() }
      guard case .usedUp(.audio, _, _) = try await answer(jobs) else { throw Unexpected() }
    }

    private struct Unexpected: Error {}
  }
}
