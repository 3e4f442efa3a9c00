import Admission
import Catalog
import Contracts
import Providers
import Synchronization
import TestKit
import Testing

@testable import Work

/// What a run does with its candidates, on a real Redis and against a fake provider that misbehaves as the name of the
/// model says: `fault-503,ok` fails once for each job.
@Suite struct PlanRunnerTests {
  @Test func `a provider that fails is asked once more, then the next`() async throws {
    try await RunBench.using { bench in
      let end = try await bench.ended([bench.candidate("a", "fault-503"), bench.candidate("b", "ok")])
      #expect(end.fault == nil)
      #expect(end.success?.candidate.provider.name == "b")
      #expect(end.attempts.map(\.provider) == ["a", "a", "b"])
      #expect(end.attempts.map(\.number) == [1, 2, 3])
      #expect(end.attempts.map(\.outcome) == [.failed, .failed, .success])
      #expect(end.events.map(\.attempt) == [1, 2, 3])
      #expect(end.unwritten.map(\.attempt) == [3], "the others are in Redis")
      #expect(try bench.calls() == ["a", "a", "b"])
    }
  }

  @Test func `a second attempt that succeeds ends the run`() async throws {
    try await RunBench.using { bench in
      let end = try await bench.ended([bench.candidate("a", "fault-503,ok"), bench.candidate("b", "ok")])
      #expect(end.success?.candidate.provider.name == "a")
      #expect(try bench.calls() == ["a", "a"])
    }
  }

  @Test func `what is wrong with the job ends the run at the first provider`() async throws {
    try await RunBench.using { bench in
      let end = try await bench.ended([bench.candidate("a", "fault-400"), bench.candidate("b", "ok")])
      #expect(end.fault?.code == .callerError)
      #expect(try bench.calls() == ["a"])
    }
  }

  @Test func `six attempts are made and no more, however many candidates there are`() async throws {
    try await RunBench.using { bench in
      let candidates = ["a", "b", "c", "d"].map { bench.candidate($0, "fault-503") }
      let end = try await bench.ended(candidates)
      #expect(end.fault?.code == .attemptsExhausted)
      #expect(end.attempts.map(\.number) == [1, 2, 3, 4, 5, 6])
      #expect(try bench.calls() == ["a", "a", "b", "b", "c", "c"])
    }
  }

  @Test func `renewals are told of each attempt before it is made`() async throws {
    try await RunBench.using { bench in
      let told = Mutex<[Int]>([])
      let run = try await bench.admitted([bench.candidate("a", "fault-malformed"), bench.candidate("b", "ok")])
      let leaving = await bench.runner.execute(run) { lease in told.withLock { $0.append(lease.attempt) } }
      guard case .ended(let end) = leaving else { Issue.record("not ended"); return }
      #expect(end.run.lease.attempt == 2)
      #expect(told.withLock { $0 } == [2])
    }
  }

  @Test func `a long wait that all ask for becomes a pause as long as the shortest, and gives the lease back`()
    async throws
  {
    try await RunBench.using { bench in
      let run = try await bench.admitted([bench.candidate("a", "fault-429:12"), bench.candidate("b", "fault-503:9")])
      guard case .paused(let paused, let pause, let events, _) = await bench.execute(run) else {
        Issue.record("not paused")
        return
      }
      #expect(pause == .seconds(9))
      #expect(paused.lease.attempt == 2)
      #expect(events.map(\.attempt) == [1, 2])
      #expect(try bench.calls() == ["a", "b"])
      #expect(try await bench.leases() == 0)
    }
  }

  @Test func `a candidate that rests is a reason to come back, not to give up`() async throws {
    try await RunBench.using { bench in
      try await bench.rest("b")
      #expect(try await bench.desk.takeProbe("b", holder: "somebody", length: .seconds(60)))
      var second = bench.candidate("b", "ok")
      second.probes = "b"
      let run = try await bench.admitted([bench.candidate("a", "fault-malformed"), second])
      guard case .paused(_, _, _, let passedOver) = await bench.execute(run) else {
        Issue.record("not paused")
        return
      }
      #expect(passedOver.map(\.reason) == [.breaker])
      #expect(try bench.calls() == ["a"])
      let alone = try await bench.ended([bench.candidate("a", "fault-malformed")])
      #expect(alone.fault?.code == .providerFailed, "with nobody resting it is over")
    }
  }

  @Test func `a probe that was taken and not made is given back`() async throws {
    try await RunBench.using(attempts: 1) { bench in
      try await bench.rest("b")
      var second = bench.candidate("b", "ok")
      second.probes = "b"
      let end = try await bench.ended([bench.candidate("a", "fault-malformed"), second])
      #expect(end.fault?.code == .attemptsExhausted)
      #expect(try bench.calls() == ["a"])
      try await waitUntil("another one may probe") {
        try await bench.desk.takeProbe("b", holder: "somebody", length: .seconds(60))
      }
    }
  }

  @Test func `a probe that was made and served ends the rest`() async throws {
    try await RunBench.using { bench in
      try await bench.rest("a")
      var first = bench.candidate("a", "ok")
      first.probes = "a"
      let end = try await bench.ended([first])
      #expect(end.fault == nil)
      try await waitUntil("it serves again") { try await bench.desk.breakers().1["a"] == nil }
    }
  }

  @Test func `a deadline of the jobs' own says nothing about a provider, its time-outs do`() async throws {
    try await RunBench.using { bench in
      let slow = bench.candidate("a", "fault-latency:12", timeout: .seconds(10))
      for _ in 0..<6 {
        let end = try await bench.ended([slow, bench.candidate("b", "ok")], within: .seconds(3))
        #expect(end.fault?.code == .deadlineExceeded)
        #expect(end.attempts.map(\.outcome) == [.unknown])
      }
      // Reported in their order: when this is known, those before are, too.
      _ = await bench.execute(try await bench.admitted([bench.candidate("c", "fault-429:9")]))
      try await waitUntil("c rests") { try await bench.desk.breakers().1["c"] != nil }
      #expect(try await bench.desk.breakers().1["a"] == nil)
      let impatient = bench.candidate("a", "fault-latency:5", timeout: .milliseconds(150))
      for _ in 0..<6 { _ = try await bench.ended([impatient, bench.candidate("b", "ok")]) }
      try await waitUntil("a rests") { try await bench.desk.breakers().1["a"] != nil }
    }
  }

  @Test func `a run that is to end breaks its call off and books it, and makes no further attempt`() async throws {
    try await RunBench.using { bench in
      let run = try await bench.admitted([bench.candidate("a", "fault-latency:60"), bench.candidate("b", "ok")])
      let ending = Task { await run.stop.reaching { await bench.execute(run) } }
      try await waitUntil("the call began") { try bench.calls() == ["a"] }
      run.stop.give("by anna")
      guard case .ended(let end) = await ending.value else {
        Issue.record("the run did not end")
        return
      }
      #expect(end.fault == ResultEvent.Fault(.cancelled, "cancelled by anna"))
      #expect(end.attempts.map(\.outcome) == [.unknown] && end.unwritten.count == 1)
      #expect(try bench.calls() == ["a"])
    }
  }

  @Test func `an order that comes before the call leaves nothing to book`() async throws {
    try await RunBench.using { bench in
      let run = try await bench.admitted([bench.candidate("a", "ok")])
      run.stop.give("by anna")
      guard case .ended(let end) = await run.stop.reaching({ await bench.execute(run) }) else {
        Issue.record("the run did not end")
        return
      }
      #expect(end.fault?.code == .cancelled && end.attempts.isEmpty && end.events.isEmpty)
      #expect(try bench.calls() == [])
    }
  }

  @Test func `a run that had succeeded when the order came has succeeded, one that gave its lease back ends elsewhere`()
    async throws
  {
    try await RunBench.using { bench in
      let candidate = bench.candidate("a", "ok")
      var progress = RunProgress(try await bench.admitted([candidate]))
      #expect(bench.runner.stopped(&progress, .suspended, "by anna") == nil)
      progress.success = (candidate, ProviderReply(output: [], usage: []))
      #expect(bench.runner.stopped(&progress, .over, "by anna") == nil)
      progress.success = nil
      progress.fault = ResultEvent.Fault(.providerFailed, "every provider of the plan failed")
      #expect(bench.runner.stopped(&progress, .over, "by anna")?.fault?.code == .cancelled)
    }
  }
}
