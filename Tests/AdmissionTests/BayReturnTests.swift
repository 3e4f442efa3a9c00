import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// When a bay is given back, and when not.
  @Suite struct BayReturnTests {
    @Test func `copies in a bay that was given back are void, so that a copy before them is the job`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a")
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      // The head went elsewhere as it was, and the bay was found empty twice.
      let claim = try #require(try await bench.claims().first)
      try await bench.desk.leave([(claim, nil)])
      try await bench.lookUntilFreed()
      #expect(try await bench.admit(try bench.job("b"), lease: "w2.0", limit: 1).isAdmitted)
      let again = try await bench.admit(try bench.job("a"), lease: "w2.1", limit: 1, copy: 0)
      #expect(again.place?.kind == .bay(1, generation: 3, copy: 2, isNew: true))
      _ = try await bench.finish(try bench.job("b"), lease: "w2.0", run: "run-w2.0")
      #expect(try await bench.admit(try bench.job("a"), lease: "w2.2", limit: 1, copy: 0).isAdmitted)
    }

    @Test func `a bay that its worker never opened is opened by another after half a minute, or given back`()
      async throws
    {
      for isWanted in [true, false] {
        let bench = try await AdmissionBench.still()
        let running = try bench.job("runs")
        _ = try await bench.admit(running, lease: "w1.0", limit: 1)
        _ = try await bench.admit(try bench.job("a"), lease: "dead.1", limit: 1)
        try bench.pass(.milliseconds(29_999))
        #expect(try await bench.admit(try bench.job("a"), lease: "w2.1", limit: 1).place?.kind == .soon)
        #expect(try await bench.claims(9).isEmpty)
        #expect(try await bench.desk.renew([bench.held(running, lease: "w1.0", run: "run-w1.0")]) == [.renewed])
        try bench.pass(.milliseconds(1))
        if isWanted {
          #expect(
            try await bench.admit(try bench.job("a"), lease: "w2.1", limit: 1).place?.kind
              == .bay(1, generation: 1, copy: 1, isNew: true))
          #expect(try await bench.admit(try bench.job("b"), lease: "w1.1", limit: 1).place?.kind == .soon)
        }
        #expect(try await bench.claims(9).isEmpty)
        #expect(try await bench.freeBays() == (isWanted ? 0 : 1))
      }
    }

    @Test func `a bay is given back at the second empty look, ten seconds after the first`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a")
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let claim = try #require(try await bench.claims().first)
      #expect(try await bench.redeem(claim, "a", remaining: 0).isAdmitted)
      _ = try await bench.finish(
        try bench.job("a"), lease: bench.head(claim, "a"), run: "run-\(bench.head(claim, "a"))")
      #expect(try await bench.due() == 10_000)
      #expect(try await bench.claims().isEmpty)
      try bench.pass(.seconds(10))
      let look = try #require(try await bench.claims().first)
      #expect(try await bench.desk.vacant([look]) == [false])
      #expect(try await bench.leases() == 0)
      try bench.pass(.milliseconds(9_999))
      #expect(try await bench.claims().isEmpty)
      try bench.pass(.milliseconds(1))
      let second = try #require(try await bench.claims().first)
      #expect(try await bench.desk.vacant([second]) == [true])
      #expect(try await bench.freeBays() == 1)
      #expect(try await bench.due() == nil)
      #expect(try await bench.desk.vacant([second]) == [false])
    }

    @Test func `a bay is kept while a head of it is out, a copy is on its way or one lies on deck`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("runs"), lease: "w1.0", limit: 1)
      try await bench.park("a", limit: 1)
      try await bench.desk.store(nil, of: "ana")
      let head = try #require(try await bench.claims().first)
      #expect(try await bench.redeem(head, "a", remaining: 0, limit: 3).isAdmitted)
      // Its head runs.
      for _ in 1...3 {
        try bench.pass(.seconds(10))
        let lease = bench.held(try bench.job("a"), lease: bench.head(head, "a"), run: "run-\(bench.head(head, "a"))")
        #expect(try await bench.desk.renew([lease]) == [.renewed])
        let look = try #require(try await bench.claims(number: 9).first)
        #expect(try await bench.desk.vacant([look]) == [false])
      }
      _ = try await bench.finish(
        try bench.job("a"), lease: bench.head(head, "a"), run: "run-\(bench.head(head, "a"))")
      try await bench.lookOnce()
      // A copy is on its way.
      try bench.pass(.seconds(10))
      _ = try await bench.admit(try bench.job("x"), lease: "w1.7", limit: 1)
      guard case .bay = try await bench.admit(try bench.job("y"), lease: "w1.8", limit: 1).place?.kind else {
        Issue.record("not parked")
        return
      }
      let look = try #require(try await bench.claims(stamp: "another").first)
      #expect(try await bench.desk.vacant([look]) == [false])
    }

    @Test func `two looks at once are one look, and a copy that came in between starts over`() async throws {
      let bench = try await AdmissionBench.still()
      for number in 1...2 {
        _ = try await bench.admit(try bench.job("runs-\(number)"), lease: "w1.\(number)", limit: 2)
      }
      for id in ["a", "b"] { try await bench.park(id, limit: 2) }
      for number in 1...2 {
        _ = try await bench.finish(try bench.job("runs-\(number)"), lease: "w1.\(number)", run: "run-w1.\(number)")
      }
      let looks = try await bench.claims(2)
      #expect(looks.count == 2)
      #expect(try await bench.desk.vacant(looks) == [false, false])
      try bench.pass(.seconds(10))
      let late = try #require(try await bench.claims(number: 5).first)
      let runs = try await bench.admit(try bench.job("x"), lease: "w1.x", limit: 1)
      #expect(runs.place != nil)
      let copy = ParkedCopy(job: try bench.job("x"), lane: .standard, bay: 1, generation: 1, copy: 1)
      #expect(try await bench.desk.commit([copy]) == [true])
      #expect(try await bench.redeem(late, "x", remaining: 0).isAdmitted)
      let head = bench.head(late, "x")
      _ = try await bench.finish(try bench.job("x"), lease: head, run: "run-\(head)")
      try bench.pass(.seconds(10))
      let first = try #require(try await bench.claims(number: 6).first)
      #expect(try await bench.desk.vacant([first]) == [false])
    }

    @Test func `a second look that comes sooner gives nothing back`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await bench.desk.adopt(1, messages: 0, lane: .standard, user: "ana") == .adopted)
      for number in 1...3 {
        try await bench.desk.store(nil, of: "ana")
        let look = try #require(try await bench.claims(number: UInt64(number)).first)
        #expect(try await bench.desk.vacant([look]) == [false])
        try bench.pass(.milliseconds(4_999))
      }
      try bench.pass(.milliseconds(3))
      try await bench.desk.store(nil, of: "ana")
      let look = try #require(try await bench.claims(number: 4).first)
      #expect(try await bench.desk.vacant([look]) == [true])
    }

    @Test func `a bay is kept while a head of it lies on deck`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 2)
      _ = try await bench.admit(try bench.job("runs-too"), lease: "w1.9", limit: 2)
      try await bench.park("a", limit: 2)
      try await bench.park("b", limit: 2)
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      _ = try await bench.finish(try bench.job("runs-too"), lease: "w1.9", run: "run-w1.9")
      let claims = try await bench.claims(2)
      _ = try await bench.admit(try bench.job("x"), lease: "w1.x", limit: 3, lane: .low)
      #expect(try await bench.redeem(claims[0], "a", remaining: 0).place?.kind == .deck)
      #expect(try await bench.desk.vacant([claims[1]]) == [false])
      try bench.pass(.seconds(10))
      #expect(try await bench.desk.vacant([claims[1]]) == [false])
      #expect(try await bench.room("bay") == "1")
    }

    @Test func `a bay that was leased as new and is not empty goes back without becoming free`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("runs"), lease: "w1.0", limit: 1)
      _ = try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 1)
      try await bench.desk.refuseBay(1, generation: 1, lane: .standard, of: "ana")
      #expect(try await bench.freeBays() == 0)
      #expect(try await bench.due() == nil)
      try await bench.desk.refuseBay(1, generation: 1, lane: .standard, of: "ana")
      try await bench.desk.offer(1)
      #expect(try await bench.freeBays() == 1)
    }
  }
}
