import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// A run that stops between two attempts, one that somebody else goes on with, and an intent that grows.
  @Suite struct PauseTests {
    private func intent(of id: String, _ bench: AdmissionBench) async throws -> [UInt8]? {
      try await bench.desk.explain(id)?.intent
    }

    @Test
    func `a pause gives slot and reservation back, keeps what was spent, and the run goes on with its next number`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limit: 1, limits: .cap(1000), worst: .usd(600))
      let ended = AttemptCost(attempt: 1, event: [1], spent: .usd(200))
      for _ in 1...2 {
        #expect(try await bench.desk.pause(lease, ended: ended) == .refused)
        #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(200))
        #expect(try await bench.leases() == 0)
      }
      let queued = try #require(try await bench.desk.explain("a"))
      #expect(queued.state == .queued && queued.attempt == 1 && queued.costs == [[1]] && queued.intent == nil)
      #expect(try await bench.desk.renew([lease]) == [.lost])
      #expect(try await bench.finish(job, lease: "w.1", run: "run-w.1") == .superseded(declaredUnknown: []))
      guard
        case .admitted("run-w.1", 2, 1, _, "2026-11", [[1]]) = try await bench.admit(
          job, lease: "w.2", limit: 1, limits: .cap(1000), worst: .usd(600))
      else {
        Issue.record("not admitted again")
        return
      }
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(800))
      #expect(try await bench.desk.pause(lease, ended: ended) == .refused, "told again")
      #expect(try await bench.leases() == 1)
    }

    @Test func `an attempt that was granted and not made gives its number back, however often`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      for round in 1...8 {
        guard
          case .admitted(let run, 1, 1, _, _, []) = try await bench.admit(
            job, lease: "w.\(round)", limit: 1, limits: .cap(1000), worst: .usd(600))
        else {
          Issue.record("not admitted in round \(round)")
          return
        }
        let lease = bench.held(job, lease: "w.\(round)", run: run, worst: .usd(600))
        #expect(try await bench.desk.pause(lease, ended: nil, isMade: false) == .refused)
        #expect(try await bench.desk.pause(lease, ended: nil, isMade: false) == .refused, "told again")
        #expect(try await bench.leases() == 0)
        #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(0, jobs: 0))
      }
    }

    @Test func `who goes on with an attempt hears of those before it`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "dead", limit: 1)
      let lease = bench.held(job, lease: "dead", run: "run-dead")
      let first = AttemptCost(attempt: 1, event: [7], spent: nil)
      let limits = AdmissionLimits()
      #expect(
        try await bench.desk.advance(lease, ended: first, nextIntent: [2], worst: nil, limits: limits) == .advanced)
      try bench.pass(.seconds(31))
      guard
        case .continued(_, 1, _, [[7]]) = try await bench.desk.continueAttempt(
          job, run: "run-dead", attempt: 2, leaseID: "w.2", limit: 1)
      else {
        Issue.record("nothing of attempt 1")
        return
      }
    }

    @Test func `a pause before anything reached a provider leaves the run uncounted, so that the next start counts it`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      #expect(try await bench.desk.pause(lease, ended: nil) == .refused)
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(0, jobs: 0))
      #expect(try await bench.admit(job, lease: "w.2", limits: .cap(1000), worst: .usd(500)).isAdmitted)
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(500))
      let later = bench.held(job, lease: "w.2", run: "run-w.1", attempt: 2, worst: .usd(500))
      let cost = AttemptCost(attempt: 2, event: [2], spent: .usd(10))
      #expect(try await bench.desk.pause(later, ended: cost) == .refused)
      _ = try await bench.admit(job, lease: "w.3", limits: .cap(1000), worst: .usd(500))
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(510))
    }

    @Test func `a pause of a user without limits keeps the event and frees the slot for who waits`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w1.a", limit: 1)
      try await bench.park("b")
      let lease = bench.held(job, lease: "w1.a", run: "run-w1.a")
      #expect(
        try await bench.desk.pause(lease, ended: AttemptCost(attempt: 1, event: [1], spent: nil)) == .refused)
      #expect(try await bench.standing() == [0, 0])
      #expect(try await bench.claims().count == 1)
      #expect(try await bench.desk.explain("a")?.costs == [[1]])
    }

    @Test func `a pause of what another took over is lost, and one that Redis forgot is written all the same`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      try await bench.expireLeases()
      #expect(try await bench.declareUnknown(job, run: "run-w.1", event: [1], spent: .usd(600)))
      #expect(try await bench.desk.pause(lease, ended: nil) == .lost)
      try await bench.wipe()
      let ended = AttemptCost(attempt: 1, event: [1], spent: .usd(200))
      #expect(try await bench.desk.pause(lease, ended: ended) == .refused)
      #expect(try await bench.standing() == [0, 200])
      try await bench.desk.openEpoch()
      guard
        case .admitted("run-w.1", 2, _, _, _, [[1]]) = try await bench.admit(
          job, lease: "w.2", limits: .cap(1000), worst: .usd(600))
      else {
        Issue.record("not admitted again")
        return
      }
    }

    @Test func `an attempt whose holder is gone goes on with another, its money and intent as they are`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "dead", limit: 1, limits: .cap(1000), worst: .usd(600))
      let lost = try await bench.desk.continueAttempt(job, run: "run-dead", attempt: 1, leaseID: "w.2", limit: 1)
      #expect(lost == .lost, "its holder is there")
      try bench.pass(.seconds(31))
      for _ in 1...2 {
        #expect(
          try await bench.desk.continueAttempt(job, run: "run-dead", attempt: 1, leaseID: "w.2", limit: 1)
            == .continued(month: "2026-11", active: 1, at: Timestamp(milliseconds: bench.now), costs: []))
        #expect(try await bench.standing() == [0, 600])
      }
      #expect(try await bench.leases() == 1)
      #expect(
        try await bench.desk.continueAttempt(job, run: "run-dead", attempt: 1, leaseID: "w.3", limit: 9) == .lost)
      #expect(try await intent(of: "a", bench) == Array("intent".utf8))
      let zombie = bench.held(job, lease: "dead", run: "run-dead", worst: .usd(600))
      #expect(try await bench.desk.renew([zombie]) == [.lost])
      #expect(try await bench.finish(job, lease: "dead", run: "run-dead") == .superseded(declaredUnknown: []))
      #expect(
        try await bench.finish(job, lease: "w.2", run: "run-dead", spent: .usd(500), month: "2026-11")
          == .finished(run: "run-dead", next: nil))
      #expect(try await bench.standing() == [0, 500])
      #expect(try await bench.leases() == 0)
    }

    @Test func `going on with an attempt needs a free slot, the very attempt, and a memory that may grant`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "dead", limit: 1)
      try bench.pass(.seconds(31))
      _ = try await bench.admit(try bench.job("b"), lease: "w.b", limit: 1)
      func goOn(_ job: Job, run: String = "run-dead", attempt: Int = 1, limit: Int = 1) async throws -> ContinueReply {
        try await bench.desk.continueAttempt(job, run: run, attempt: attempt, leaseID: "w.2", limit: limit)
      }
      #expect(try await goOn(job) == .full)
      #expect(try await bench.leases() == 1)
      #expect(try await goOn(job, run: "run-other", limit: 2) == .lost)
      #expect(try await goOn(job, attempt: 2, limit: 2) == .lost)
      #expect(try await goOn(try bench.job("nobody"), limit: 2) == .lost)
      #expect(try await goOn(try bench.job("a", user: "ben"), limit: 2) == .lost)
      _ = try await bench.redis.command(RedisCommand("SET").arg(bench.keys.epoch).arg("another:0"))
      #expect(try await goOn(job, limit: 2) == .hold(.seconds(30)))
      try bench.pass(.seconds(30))
      #expect(
        try await goOn(job, limit: 2)
          == .continued(month: "2026-11", active: 1, at: .init(milliseconds: bench.now), costs: []))
    }

    @Test func `an intent that grows is there for who finds the orphan, and plain renewing leaves it alone`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1")
      let first = bench.held(job, lease: "w.1", run: "run-w.1")
      let grown = HeldLease(
        job: job, leaseID: "w.1", run: "run-w.1", attempt: 1, intent: Array("intent, task 7".utf8), month: "2026-11")
      #expect(try await bench.desk.note(grown) == .renewed)
      #expect(try await bench.desk.renew([first]) == [.renewed])
      #expect(try await intent(of: "a", bench) == grown.intent)
      try bench.pass(.seconds(31))
      guard case .orphan("run-w.1", 1, grown.intent, _) = try await bench.admit(job, lease: "w.2") else {
        Issue.record("no orphan with that intent")
        return
      }
      try await bench.wipe()
      #expect(try await bench.desk.note(grown) == .restored)
      #expect(try await intent(of: "a", bench) == grown.intent)
    }

    @Test func `an intent of an attempt that has ended changes nothing`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1")
      let first = bench.held(job, lease: "w.1", run: "run-w.1")
      #expect(try await bench.advance(first, event: [1]) == .advanced)
      #expect(try await bench.desk.note(first) == .renewed)
      #expect(try await intent(of: "a", bench) == [9])
      _ = try await bench.finish(job, lease: "w.1", run: "run-w.1", attempt: 2)
      #expect(try await bench.desk.note(first) == .lost)
    }
  }
}
