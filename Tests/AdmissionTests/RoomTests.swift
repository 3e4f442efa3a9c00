import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Who gets a bay, and what lies in it counts as the job.
  @Suite struct RoomTests {
    @Test func `the first waiting job earns a bay while half of the pool is free, then the third`() async throws {
      let bench = try await AdmissionBench.still(bays: 4)
      func wait(_ user: String, _ id: String) async throws -> WaitPlace.Kind? {
        try await bench.admit(try bench.job("\(user)-\(id)", user: user), lease: "w1.\(user)\(id)", limit: 1).place?
          .kind
      }
      for user in ["a", "b", "c", "d", "e"] { #expect(try await wait(user, "runs") == nil) }
      #expect(try await wait("a", "1") == .bay(1, generation: 1, copy: 1, isNew: true))
      #expect(try await wait("b", "1") == .bay(2, generation: 1, copy: 1, isNew: true))
      #expect(try await wait("c", "1") == .ladder)
      #expect(try await wait("c", "2") == .ladder)
      #expect(try await wait("c", "3") == .bay(3, generation: 1, copy: 1, isNew: true))
      for id in 1...3 { _ = try await wait("d", "\(id)") }
      for id in 1...4 { #expect(try await wait("e", "\(id)") == .ladder) }
    }

    @Test func `who opens a bay declares it, others come back soon until something lies in it`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("runs"), lease: "w1.0", limit: 1)
      let first = try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 1)
      #expect(first.place?.kind == .bay(1, generation: 1, copy: 1, isNew: true))
      #expect(try await bench.admit(try bench.job("b"), lease: "w2.1", limit: 1).place?.kind == .soon)
      #expect(
        try await bench.admit(try bench.job("c"), lease: "w1.2", limit: 1).place?.kind
          == .bay(1, generation: 1, copy: 1, isNew: true))
      let copy = ParkedCopy(job: try bench.job("a"), lane: .standard, bay: 1, generation: 1, copy: 1)
      #expect(try await bench.desk.commit([copy]) == [true])
      #expect(
        try await bench.admit(try bench.job("b"), lease: "w2.1", limit: 1).place?.kind
          == .bay(1, generation: 1, copy: 1, isNew: false))
    }

    @Test func `no bay is leased until the bays of this memory were looked at`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.wipe()
      let job = try bench.job("runs")
      guard case .hold(.seconds(30)) = try await bench.admit(job, lease: "w1.0", limit: 1) else {
        Issue.record("no hold")
        return
      }
      try bench.pass(.seconds(30))
      #expect(try await bench.admit(job, lease: "w1.0", limit: 1).isAdmitted)
      #expect(try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 1).place?.kind == .ladder)
      let claimed = try await bench.desk.claim([:], worker: "w1", number: 1, stamp: "policy")
      #expect(!claimed.isSurveyed)
      #expect(try await bench.desk.beginSurvey(by: "w1", length: .seconds(10)))
      #expect(try await !bench.desk.beginSurvey(by: "w2", length: .seconds(10)))
      try await bench.desk.offer(3)
      try await bench.desk.endSurvey(of: claimed.epoch)
      #expect(
        try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 1).place?.kind
          == .bay(3, generation: 1, copy: 1, isNew: true))
    }

    @Test func `a parked copy is the job and the message that it was made from is not`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      let parked = try await bench.park("a")
      let job = try bench.job("a")
      #expect(try await bench.admit(job, lease: "w2.1", limit: 1, copy: 0) == .stale)
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let claim = try #require(try await bench.claims().first)
      #expect(claim.bay == parked.bay && claim.generation == parked.generation && claim.deck == nil)
      #expect(try await bench.redeem(claim, "a", remaining: 0).isAdmitted)
      #expect(try await bench.admit(job, lease: "w2.2", limit: 1, copy: 0) == .stale)
      guard case .running = try await bench.admit(job, lease: "w2.3", limit: 1, copy: 1) else {
        Issue.record("an equal copy is the job")
        return
      }
    }

    @Test func `a commit is void when the bay was given to somebody else`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("runs"), lease: "w1.0", limit: 1)
      let job = try bench.job("a")
      guard
        case .bay(let bay, let generation, let copy, _) = try await bench.admit(job, lease: "w1.1", limit: 1).place?
          .kind
      else { Issue.record("no bay"); return }
      try await bench.desk.refuseBay(bay, generation: generation, lane: .standard, of: "ana")
      let late = ParkedCopy(job: job, lane: .standard, bay: bay, generation: generation, copy: copy)
      #expect(try await bench.desk.commit([late]) == [false])
      let again = try await bench.admit(job, lease: "w1.1", limit: 1)
      #expect(again.place?.kind == .bay(2, generation: 1, copy: 1, isNew: true))
    }

    @Test func `a commit of an earlier lease of the same bay is void`() async throws {
      let bench = try await AdmissionBench.still(bays: 1)
      _ = try await bench.admit(try bench.job("runs"), lease: "w1.0", limit: 1)
      for _ in 1...3 { _ = try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 1) }
      try await bench.desk.refuseBay(1, generation: 1, lane: .standard, of: "ana")
      try await bench.desk.offer(1)
      for _ in 1...3 { _ = try await bench.admit(try bench.job("b"), lease: "w1.2", limit: 1) }
      #expect(try await bench.room("gen") == "3")
      let late = ParkedCopy(job: try bench.job("a"), lane: .standard, bay: 1, generation: 1, copy: 1)
      #expect(try await bench.desk.commit([late]) == [false])
    }

    @Test func `a bay that nobody is known to have goes to the user of its head`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.desk.offer(7)
      #expect(try await bench.desk.adopt(7, messages: 3, lane: .low, user: "ana") == .adopted)
      #expect(try await bench.freeBays() == 0)
      #expect(try await bench.desk.adopt(7, messages: 3, lane: .low, user: "ben") == .owned)
      #expect(try await bench.desk.adopt(8, messages: 1, lane: .low, user: "ana") == .taken)
      try await bench.desk.offer(7)
      #expect(try await bench.freeBays() == 0)
      let claims = try await bench.claims(4, lane: .low)
      #expect(claims.map(\.bay) == [7])
      #expect(try await bench.redeem(claims[0], "a", remaining: 2, limit: 2, copy: 4, lane: .low).isAdmitted)
      #expect(try await bench.claims(4, lane: .low, number: 2).count == 1)
      _ = try await bench.admit(try bench.job("r", user: "zoe"), lease: "w1.5", limit: 1, lane: .low)
      let next = try await bench.admit(try bench.job("z", user: "zoe"), lease: "w1.6", limit: 1, lane: .low)
      #expect(next.place?.kind == .bay(8, generation: 1, copy: 1, isNew: true))
    }
  }
}
