import Admission
import Contracts
import Testing

@Suite struct AdmitTests {
  @Test func `a user's jobs start up to its limit and the next is told who stands before it`() async throws {
    let bench = try await AdmissionBench.opened()
    let replies = try await bench.desk.admit(
      try (1...3).map { bench.request(try bench.job("job-\($0)"), lease: "lease-\($0)") })
    guard case .admitted(let run, 1, 1, _, _, let costs) = replies[0] else { Issue.record("\(replies[0])"); return }
    #expect(run == "run-lease-1")
    #expect(costs.isEmpty)
    guard case .admitted(_, 1, 2, _, _, _) = replies[1] else { Issue.record("\(replies[1])"); return }
    let wait = try #require(replies[2].place)
    #expect(wait.reason == .concurrency && wait.active == 2 && wait.position == 1)
    #expect(wait.until > .seconds(25) && wait.until <= .seconds(30))
    #expect(try await bench.leases() == 2)
  }

  @Test func `asking again with the same lease changes nothing`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    let first = try await bench.admit(job, lease: "a")
    let second = try await bench.admit(job, lease: "a")
    guard case .admitted(let run, let attempt, let active, _, _, _) = first,
      case .admitted(let sameRun, let sameAttempt, let sameActive, _, _, _) = second
    else { Issue.record("\(first) \(second)"); return }
    #expect(run == sameRun && attempt == sameAttempt && active == sameActive)
    #expect(try await bench.leases() == 1)
  }

  @Test func `users do not count against each other`() async throws {
    let bench = try await AdmissionBench.opened()
    for user in ["ana", "ben", "a:b@c.d"] {
      #expect(try await bench.admit(try bench.job("job-of-\(user)", user: user), lease: user, limit: 1).isAdmitted)
    }
  }

  @Test func `another delivery of a running job is told how long it runs at most`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    guard case .running(let time) = try await bench.admit(job, lease: "b") else { Issue.record("not running"); return }
    #expect(time > .seconds(25))
    #expect(try await bench.leases() == 1)
  }

  @Test func `another body or another user under a known id is a conflict whatever the state`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    let otherBody = try bench.job("job", payload: #"{"x":1}"#)
    let otherUser = try bench.job("job", user: "ben")
    _ = try await bench.admit(job, lease: "a")
    #expect(try await bench.admit(otherBody, lease: "b") == .conflict)
    #expect(try await bench.admit(otherUser, lease: "c") == .conflict)
    _ = try await bench.finish(job, lease: "a", run: "run-a")
    #expect(try await bench.admit(otherBody, lease: "d") == .conflict)
  }

  @Test func `a finished job answers with all that has to be announced`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    #expect(try await bench.finish(job, lease: "a", run: "run-a") == .finished(run: "run-a", next: nil))
    guard case .finished(let known) = try await bench.admit(job, lease: "b") else {
      Issue.record("not finished"); return
    }
    #expect(known.run == "run-a")
    #expect(known.status == .succeeded)
    #expect(known.result == Array("result".utf8))
    #expect(known.output == Array("output".utf8))
    #expect(known.costs == [Array("cost".utf8)])
    try await bench.desk.forgetCosts(of: [(id: "job", attempts: 1)])
    guard case .finished(let later) = try await bench.admit(job, lease: "c") else {
      Issue.record("not finished"); return
    }
    #expect(later.costs.isEmpty)
    #expect(try await bench.leases() == 0)
  }

  @Test func `a replay starts a new run only of the run it follows`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    _ = try await bench.finish(job, lease: "a", run: "run-a")
    guard case .finished = try await bench.admit(job, lease: "b", replays: "some-other-run") else {
      Issue.record("a stale replay started a run")
      return
    }
    guard case .admitted("run-c", 1, _, _, _, _) = try await bench.admit(job, lease: "c", replays: "run-a") else {
      Issue.record("the replay did not start a run")
      return
    }
  }

  @Test func `the attempt budget of a run spans all deliveries`() async throws {
    let bench = try await AdmissionBench.opened(attempts: 2)
    let job = try bench.job("job")
    for attempt in 1...2 {
      guard case .admitted(let run, attempt, _, _, _, _) = try await bench.admit(job, lease: "lease-\(attempt)") else {
        Issue.record("attempt \(attempt) was not admitted")
        return
      }
      try await bench.expireLeases()
      let isDeclared = try await bench.declareUnknown(
        job, run: run, attempt: attempt, event: Array("u\(attempt)".utf8))
      #expect(isDeclared)
    }
    guard case .exhausted("run-lease-1", 2, true, let costs) = try await bench.admit(job, lease: "c") else {
      Issue.record("not exhausted")
      return
    }
    #expect(costs == [Array("u1".utf8), Array("u2".utf8)])
  }
}
