import Admission
import Contracts
import Testing

extension StillClockTests {
  /// What the door knows of single jobs: those that wait for others, and those whose message cannot be read.
  @Suite struct DoorMarkTests {
    @Test func `when a job starts that waits for others is not known until they have succeeded`() async throws {
      let bench = try await AdmissionBench.still()
      let parents = [try bench.job("one"), try bench.job("two")]
      let child = try waiting("child", of: "ana")
      for parent in parents {
        let place = try #require(try await ask(bench, child))
        #expect(place.position == 1 && place.start == nil && place.expectedStart == nil)
        _ = try await bench.admit(parent, lease: "w.\(parent.id)")
        _ = try await bench.finish(parent, lease: "w.\(parent.id)", run: "run-w.\(parent.id)")
      }
      #expect(try await ask(bench, child)?.start == .zero)
      let stranger = try waiting("other", of: "ben")
      #expect(try #require(try await ask(bench, stranger)).start == nil)
    }

    @Test func `what the door remembers of a job is told until a worker knows it`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      #expect(try await ask(bench, job) != nil)
      let holders = try await bench.desk.holders(of: ["a", "b"])
      guard case .accepted(let mark) = holders[0] else { throw Unexpected() }
      #expect(mark.userKey == job.userKey && mark.digest == job.digest && mark.lane == .standard && mark.tier == "PRO")
      #expect(mark.acceptedAt == Timestamp(milliseconds: bench.now) && holders[1] == .nobody)
      #expect(try await bench.admit(job, lease: "w.1").isAdmitted)
      #expect(try await bench.desk.holders(of: ["a"]) == [.known(digest: job.digest)])
    }

    @Test func `a job whose message cannot be read has ended, and is replayed like any other`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      #expect(try await ask(bench, job) != nil)
      guard case .accepted(let mark) = try await bench.desk.holders(of: ["a"])[0] else { throw Unexpected() }
      let replies = try await bench.desk.finish([
        Finish(burying: "a", mark, taskType: nil, run: "r1", result: Array("{}".utf8))
      ])
      #expect(replies == [.finished(run: "r1", next: nil)])
      let standing = try #require(try await bench.desk.explain("a"))
      #expect(standing.state == .done && standing.status == .failed && standing.user == job.userKey)
      #expect(try await ask(bench, job)?.position == 0)
    }

    private func waiting(_ id: String, of user: String) throws -> Job {
      let body = #"{"id":"\#(id)","userId":"\#(user)","taskType":"echo","payload":{},"after":["one","two"]}"#
      guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw Unexpected() }
      return job
    }

    /// Nil for one that may not come in.
    private func ask(_ bench: AdmissionBench, _ job: Job) async throws -> DoorPlace? {
      let request = DoorRequest(
        job: job, lane: .standard, tier: "PRO", concurrency: 2, limits: AdmissionLimits())
      switch try await bench.desk.askDoor([request])[0] {
      case .pass(let place, _), .known(let place): return place
      default: return nil
      }
    }

    private struct Unexpected: Error {}
  }
}
