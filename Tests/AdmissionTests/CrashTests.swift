import Admission
import Contracts
import Testing

/// What is left behind by workers that died, froze or came back, and by a Redis that lost its memory.
@Suite struct CrashTests {
  @Test func `an attempt without an end is an orphan once its lease is over, and is declared unknown once`()
    async throws
  {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "dead")
    #expect(try await !bench.declareUnknown(job, run: "run-dead", attempt: 1, event: [1]))
    try await bench.expireLeases()
    guard case .orphan("run-dead", 1, let intent, _) = try await bench.admit(job, lease: "b") else {
      Issue.record("no orphan")
      return
    }
    #expect(intent == Array("intent".utf8))
    #expect(try await bench.declareUnknown(job, run: "run-dead", attempt: 1, event: [1]))
    #expect(try await !bench.declareUnknown(job, run: "run-dead", attempt: 1, event: [2]))
    guard case .admitted("run-dead", 2, 1, _, _, let costs) = try await bench.admit(job, lease: "b") else {
      Issue.record("not admitted again")
      return
    }
    #expect(costs == [[1]])
  }

  @Test func `a zombie that still finishes learns which attempts were declared unknown and changes nothing`()
    async throws
  {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "zombie")
    try await bench.expireLeases()
    _ = try await bench.declareUnknown(job, run: "run-zombie", attempt: 1, event: [1])
    #expect(try await bench.finish(job, lease: "zombie", run: "run-zombie") == .superseded(declaredUnknown: [[1]]))
    _ = try await bench.admit(job, lease: "b")
    #expect(try await bench.finish(job, lease: "zombie", run: "run-zombie") == .superseded(declaredUnknown: [[1]]))
    #expect(try await bench.leases() == 1)
    #expect(
      try await bench.finish(job, lease: "b", run: "run-zombie", attempt: 2) == .finished(run: "run-zombie", next: nil))
  }

  @Test func `a zombie is told the declared events of its run even when all is settled, and of no other attempt`()
    async throws
  {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    for (attempt, lease) in [(1, "a"), (2, "b")] {
      _ = try await bench.admit(job, lease: lease)
      try await bench.expireLeases()
      #expect(try await bench.declareUnknown(job, run: "run-a", attempt: attempt, event: [UInt8(attempt), 0]))
    }
    _ = try await bench.admit(job, lease: "c")
    _ = try await bench.finish(job, lease: "c", run: "run-a", attempt: 3)
    try await bench.desk.forgetCosts(of: [(id: job.id, attempts: 3)])
    #expect(try await bench.finish(job, lease: "a", run: "run-a") == .superseded(declaredUnknown: [[1, 0]]))
    #expect(
      try await bench.finish(job, lease: "b", run: "run-a", attempt: 2)
        == .superseded(declaredUnknown: [[1, 0], [2, 0]]))
  }

  @Test func `a picture that was never heard of again is made again only where it was made on this machine`()
    async throws
  {
    let bench = try await AdmissionBench.opened()
    for (name, mayRepeat) in [("bought", false), ("drawn", true)] {
      let job = try bench.job(name, task: "image", payload: #"{"prompt":"a toll booth"}"#)
      guard case .admitted(let run, 1, _, _, _, _) = try await bench.admit(job, lease: "w.\(name)") else {
        Issue.record("not admitted")
        return
      }
      try await bench.expireLeases()
      let cost = AttemptCost(attempt: 1, event: [1], spent: nil)
      #expect(try await bench.desk.declareUnknown(job, run: run, cost, mayRepeat: mayRepeat))
      switch try await bench.admit(job, lease: "v.\(name)") {
      case .exhausted(run, 1, true, [[1]]): #expect(!mayRepeat)
      case .admitted(run, 2, _, _, _, [[1]]): #expect(mayRepeat)
      case let reply: Issue.record("\(name): \(reply)")
      }
    }
  }

  @Test func `a zombie is recognised even while its job waits again`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "zombie", limit: 1)
    try await bench.expireLeases()
    _ = try await bench.declareUnknown(job, run: "run-zombie", attempt: 1, event: [1])
    _ = try await bench.admit(try bench.job("other"), lease: "other", limit: 1)
    #expect(try await bench.admit(job, lease: "b", limit: 1).place?.reason == .concurrency)
    #expect(try await bench.finish(job, lease: "zombie", run: "run-zombie") == .superseded(declaredUnknown: [[1]]))
    #expect(try await bench.desk.renew([bench.held(job, lease: "zombie", run: "run-zombie")]) == [.lost])
  }

  @Test func `a lease that ran out but was not taken is held again by renewing`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    try await bench.expireLeases()
    #expect(try await bench.desk.renew([bench.held(job, lease: "a", run: "run-a")]) == [.renewed])
    guard case .running = try await bench.admit(job, lease: "b") else { Issue.record("not running"); return }
  }

  @Test func `a second finish gives nothing back twice`() async throws {
    let bench = try await AdmissionBench.opened()
    let first = try bench.job("first")
    _ = try await bench.admit(first, lease: "a")
    _ = try await bench.admit(try bench.job("second"), lease: "b")
    #expect(try await bench.finish(first, lease: "a", run: "run-a") == .finished(run: "run-a", next: nil))
    #expect(try await bench.finish(first, lease: "a", run: "run-a") == .finished(run: "run-a", next: nil))
    #expect(try await bench.leases() == 1)
  }

  @Test func `after a loss nothing is granted for a lease time while running jobs write themselves back`() async throws
  {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a", limit: 1)
    try await bench.wipe()
    guard case .hold(let time) = try await bench.admit(try bench.job("other"), lease: "b", limit: 1) else {
      Issue.record("granted after a loss")
      return
    }
    #expect(time > .seconds(25))
    #expect(try await bench.desk.renew([bench.held(job, lease: "a", run: "run-a")]) == [.restored])
    #expect(try await bench.leases() == 1)
    guard case .running = try await bench.admit(job, lease: "c") else { Issue.record("not running"); return }
    #expect(try await bench.finish(job, lease: "a", run: "run-a") == .finished(run: "run-a", next: nil))
  }

  @Test func `a finish needs nothing that Redis lost`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    try await bench.wipe()
    #expect(try await bench.finish(job, lease: "a", run: "run-a") == .finished(run: "run-a", next: nil))
    guard case .finished(let known) = try await bench.admit(job, lease: "b") else { Issue.record("not known"); return }
    #expect(known.costs == [Array("cost".utf8)])
  }

  @Test func `a further attempt keeps what the one before cost`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    #expect(try await bench.advance(bench.held(job, lease: "a", run: "run-a"), event: [1]) == .advanced)
    try await bench.expireLeases()
    guard case .orphan("run-a", 2, [9], _) = try await bench.admit(job, lease: "b") else {
      Issue.record("no orphan"); return
    }
    _ = try await bench.declareUnknown(job, run: "run-a", attempt: 2, event: [2])
    guard case .admitted("run-a", 3, _, _, _, let costs) = try await bench.admit(job, lease: "b") else {
      Issue.record("not admitted")
      return
    }
    #expect(costs == [[1], [2]])
    #expect(try await bench.advance(bench.held(job, lease: "a", run: "run-a"), event: [7]) == .lost)
  }

  @Test func `an end without a lease respects what others did`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    guard case .running = try await bench.finish(job, lease: nil, run: "x", cost: nil) else {
      Issue.record("ended a running job")
      return
    }
    #expect(try await bench.finish(try bench.job("job", user: "ben"), lease: nil, run: "x", cost: nil) == .conflict)
    _ = try await bench.finish(job, lease: "a", run: "run-a")
    guard case .known(let known) = try await bench.finish(job, lease: nil, run: "x", cost: nil) else {
      Issue.record("not known")
      return
    }
    #expect(known.run == "run-a")
    #expect(
      try await bench.finish(try bench.job("new"), lease: nil, run: "x", attempt: 0, cost: nil)
        == .finished(run: "x", next: nil))
  }

  @Test func `what may not be bought twice is not started again, whoever asks, and all its events are handed over`()
    async throws
  {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job", task: "image", payload: #"{"prompt":"a toll booth"}"#)
    _ = try await bench.admit(job, lease: "a")
    _ = try await bench.advance(bench.held(job, lease: "a", run: "run-a"), event: [1])
    try await bench.expireLeases()
    #expect(try await bench.declareUnknown(job, run: "run-a", attempt: 2, event: [2]))
    for lease in ["b", "c"] {
      guard case .exhausted("run-a", 2, true, let costs) = try await bench.admit(job, lease: lease) else {
        Issue.record("bought a second time")
        return
      }
      #expect(costs == [[1], [2]])
    }
  }

  @Test func `a job that may not start is only asked for its state, and nothing of it is lost`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    #expect(try await bench.admit(job, lease: "x", limit: 0) == .idle(run: nil, attempt: 0, costs: []))
    _ = try await bench.admit(job, lease: "a")
    guard case .running = try await bench.admit(job, lease: "x", limit: 0) else { Issue.record("not running"); return }
    try await bench.expireLeases()
    guard case .orphan("run-a", 1, _, _) = try await bench.admit(job, lease: "x", limit: 0) else {
      Issue.record("no orphan")
      return
    }
    _ = try await bench.declareUnknown(job, run: "run-a", attempt: 1, event: [1])
    #expect(try await bench.admit(job, lease: "x", limit: 0) == .idle(run: "run-a", attempt: 1, costs: [[1]]))
    #expect(try await bench.leases() == 0)
    #expect(
      try await bench.finish(job, lease: nil, run: "other", attempt: 1, cost: nil) == .finished(run: "run-a", next: nil)
    )
    guard case .known(let known) = try await bench.finish(job, lease: nil, run: "x", cost: nil) else {
      Issue.record("not known")
      return
    }
    #expect(known.costs == [[1]])
  }

  @Test func `an end without a lease does not hide an attempt that nobody reported on`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    try await bench.expireLeases()
    #expect(try await bench.finish(job, lease: nil, run: "x", attempt: 0, cost: nil) == .running(.zero))
    guard case .orphan = try await bench.admit(job, lease: "b") else { Issue.record("no orphan"); return }
  }

  @Test func `a run that Redis forgot learns that another one began`() async throws {
    let bench = try await AdmissionBench.opened()
    let job = try bench.job("job")
    _ = try await bench.admit(job, lease: "a")
    try await bench.wipe()
    try await bench.desk.openEpoch()
    guard case .admitted("run-b", 1, _, _, _, _) = try await bench.admit(job, lease: "b") else {
      Issue.record("not admitted")
      return
    }
    #expect(try await bench.finish(job, lease: "a", run: "run-a") == .supersededByAnotherRun)
  }
}
