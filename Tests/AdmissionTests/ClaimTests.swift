import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Who may take the next head, and who is looked at when.
  @Suite struct ClaimTests {
    @Test func `an end gives the user's next waiter its chance at once, and says in which lane`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a", lane: .low)
      #expect(try await bench.due("ana", .low) == 30_000)
      #expect(try await bench.claims(lane: .low).isEmpty)
      #expect(
        try await bench.finish(running, lease: "w1.0", run: "run-w1.0") == .finished(run: "run-w1.0", next: .low))
      #expect(try await bench.claims(lane: .low).count == 1)
    }

    @Test func `a claim holds a slot of its user for five seconds`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a")
      try await bench.park("b")
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      #expect(try await bench.claims(5).count == 1)
      #expect(try await bench.admit(try bench.job("x"), lease: "w1.9", limit: 1).place?.active == 1)
      try bench.pass(.milliseconds(4_999))
      #expect(try await bench.claims(5, number: 2).isEmpty)
      try bench.pass(.milliseconds(1))
      #expect(try await bench.claims(5, number: 3).count == 1)
    }

    @Test func `as many heads are claimed as the user has free slots and jobs waiting`() async throws {
      let bench = try await AdmissionBench.still()
      for number in 1...3 {
        _ = try await bench.admit(try bench.job("runs-\(number)"), lease: "w1.\(number)", limit: 3)
      }
      for id in ["a", "b"] { try await bench.park(id, limit: 3) }
      for number in 1...3 {
        _ = try await bench.finish(try bench.job("runs-\(number)"), lease: "w1.\(number)", run: "run-w1.\(number)")
      }
      #expect(try await bench.claims(9).count == 2)
    }

    @Test func `a fresh job behind waiters waits although a slot is free, and wakes the room`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a")
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let fresh = try await bench.admit(try bench.job("b"), lease: "w1.1", limit: 1)
      #expect(fresh.place?.reason == .concurrency && fresh.place?.active == 0 && fresh.place?.until == .zero)
      #expect(try await bench.due() == 0)
    }

    @Test func `a copy of its own that never came does not make a job wait`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      // Its worker dies before the copy is published, and the message comes back.
      _ = try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 1)
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      #expect(try await bench.admit(try bench.job("a"), lease: "w2.1", limit: 1).isAdmitted)
    }

    @Test func `users of a lane take turns`() async throws {
      let bench = try await AdmissionBench.still()
      for user in ["ana", "ben", "cleo"] {
        for number in 1...4 {
          _ = try await bench.admit(
            try bench.job("\(user)-runs-\(number)", user: user), lease: "w1.\(user)\(number)", limit: 4)
        }
        for number in 1...4 { try await bench.park("\(user)-\(number)", user: user, limit: 4) }
      }
      for user in ["cleo", "ana", "ben"] {
        for number in 1...4 {
          _ = try await bench.finish(
            try bench.job("\(user)-runs-\(number)", user: user), lease: "w1.\(user)\(number)",
            run: "run-w1.\(user)\(number)")
          try bench.pass(.milliseconds(1))
        }
      }
      var order: [String] = []
      for number in 0..<12 {
        order += try await bench.claims(1, number: UInt64(number)).map(\.user)
        try bench.pass(.milliseconds(1))
      }
      #expect(order.count == 12)
      for round in 0..<4 { #expect(Set(order[(round * 3)..<(round * 3 + 3)]).count == 3) }
    }

    @Test func `a refused head stays in the hands of its worker, and only that one may claim it`() async throws {
      let bench = try await AdmissionBench.still()
      let claim = try await claimedWith(bench, slotTakenBy: "x")
      let lease = bench.head(claim, "a")
      let refused = try await bench.redeem(claim, "a", remaining: 0)
      #expect(refused.place?.kind == .deck)
      _ = try await bench.finish(try bench.job("x"), lease: "w1.x", run: "run-w1.x")
      #expect(try await bench.claims(worker: "w2").isEmpty)
      let deck = try #require(try await bench.claims(number: 8).first)
      #expect(deck.deck == lease)
      #expect(try await bench.redeem(deck, "a", remaining: 0, lease: lease).isAdmitted)
      #expect(try await bench.room("deck") == nil)
    }

    @Test func `a head on deck that its worker gave up is anybody's, as is one that is a minute old`() async throws {
      for isGivenUp in [true, false] {
        let bench = try await AdmissionBench.still()
        let claim = try await claimedWith(bench, slotTakenBy: "x")
        _ = try await bench.redeem(claim, "a", remaining: 0)
        _ = try await bench.finish(try bench.job("x"), lease: "w1.x", run: "run-w1.x")
        if isGivenUp {
          try await bench.desk.leave([(claim, bench.head(claim, "a"))])
        } else {
          try bench.pass(.milliseconds(59_999))
          #expect(try await bench.claims(worker: "w2").isEmpty)
          try bench.pass(.milliseconds(1))
        }
        let other = try await bench.claims(worker: "w2")
        #expect(other.count <= 1 && other.allSatisfy { $0.deck == nil })
        try bench.pass(.seconds(10))
        #expect(try await bench.claims(worker: "w3").count + other.count > 0)
      }
    }

    @Test func `the next head passes one on deck whose worker does not come for it`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      for id in ["a", "b"] { try await bench.park(id) }
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let claim = try #require(try await bench.claims().first)
      _ = try await bench.admit(try bench.job("x"), lease: "w1.x", limit: 2, lane: .low)
      #expect(try await bench.redeem(claim, "a", remaining: 1).place?.kind == .deck)
      _ = try await bench.finish(try bench.job("x"), lease: "w1.x", run: "run-w1.x")
      #expect(try await bench.claims(worker: "w2").isEmpty)
      try bench.pass(.milliseconds(199))
      #expect(try await bench.claims(worker: "w2").isEmpty)
      try bench.pass(.milliseconds(1))
      let next = try #require(try await bench.claims(worker: "w2").first)
      #expect(next.deck == nil)
      #expect(try await bench.redeem(next, "b", remaining: 0).isAdmitted)
    }

    @Test func `a head that is claimed from the deck is none of those in the bay`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      for id in ["a", "b"] { try await bench.park(id) }
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let claim = try #require(try await bench.claims().first)
      _ = try await bench.admit(try bench.job("x"), lease: "w1.x", limit: 2, lane: .low)
      _ = try await bench.redeem(claim, "a", remaining: 1)
      _ = try await bench.finish(try bench.job("x"), lease: "w1.x", run: "run-w1.x")
      #expect(try await bench.claims(number: 2).first?.deck != nil)
      #expect(try await bench.room("n") == "1")
    }

    @Test func `a room behind others whose heads are on deck is found`() async throws {
      let bench = try await AdmissionBench.still()
      let users = (1...30).map { "user-\(10 + $0)" }
      for user in users {
        _ = try await bench.admit(try bench.job("\(user)-runs", user: user), lease: "w1.\(user)", limit: 1)
        try await bench.park("\(user)-waits", user: user)
        try await bench.park("\(user)-waits-too", user: user)
      }
      for (index, user) in users.dropLast().enumerated() {
        _ = try await bench.finish(
          try bench.job("\(user)-runs", user: user), lease: "w1.\(user)", run: "run-w1.\(user)")
        var claim: Claim?
        for number in 0..<9 where claim == nil {
          try bench.pass(.milliseconds(1))
          claim = try await bench.claims(worker: "dead-\(index)", number: UInt64(number)).first
        }
        _ = try await bench.admit(try bench.job("\(user)-x", user: user), lease: "w1.x\(user)", limit: 2, lane: .low)
        #expect(
          try await bench.redeem(try #require(claim), "\(user)-waits", user: user, remaining: 1).place?.kind == .deck)
        _ = try await bench.finish(
          try bench.job("\(user)-x", user: user), lease: "w1.x\(user)", run: "run-w1.x\(user)")
      }
      try bench.pass(.milliseconds(1))
      let last = try #require(users.last)
      _ = try await bench.finish(try bench.job("\(last)-runs", user: last), lease: "w1.\(last)", run: "run-w1.\(last)")
      var found: [String] = []
      for number in 0..<10 {
        try bench.pass(.milliseconds(50))
        found += try await bench.claims(1, worker: "w1", number: UInt64(number)).map(\.user)
      }
      #expect(found.contains(Identifier.base64url(last)))
    }

    @Test func `a rate closes the room until its instant, which no end brings nearer`() async throws {
      let bench = try await AdmissionBench.still()
      var limits = AdmissionLimits()
      limits.perMinute = 1
      let first = try bench.job("first")
      _ = try await bench.admit(first, lease: "w1.0", limit: 2, limits: limits)
      let wait = try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 2, limits: limits)
      #expect(wait.place?.reason == .rate)
      let copy = ParkedCopy(job: try bench.job("a"), lane: .standard, bay: 1, generation: 1, copy: 1)
      #expect(try await bench.desk.commit([copy]) == [true])
      _ = try await bench.finish(first, lease: "w1.0", run: "run-w1.0")
      #expect(try await bench.due() == 60_000)
      try bench.pass(.milliseconds(59_999))
      #expect(try await bench.claims().isEmpty)
      try bench.pass(.milliseconds(1))
      let claim = try #require(try await bench.claims().first)
      #expect(try await bench.redeem(claim, "a", remaining: 0, limit: 2, limits: limits).isAdmitted)
    }

    @Test func `new limits make every waiting job be judged anew`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("runs"), lease: "w1.0", limit: 1)
      try await bench.park("a")
      try await bench.park("b")
      #expect(try await bench.claims().isEmpty)
      try await bench.desk.store(Entitlement(concurrency: 2), of: "ana")
      let claim = try #require(try await bench.claims(9).first)
      #expect(try await bench.claims(9, number: 2).isEmpty)
      #expect(try await bench.redeem(claim, "a", remaining: 1, limit: 3).isAdmitted)
      #expect(try await bench.claims(9, number: 3).count == 1)
    }

    @Test func `a new policy makes every room be asked once`() async throws {
      let bench = try await AdmissionBench.still()
      for user in ["ana", "ben"] {
        _ = try await bench.admit(try bench.job("\(user)-runs", user: user), lease: "w1.\(user)", limit: 1)
        try await bench.park("\(user)-waits", user: user)
      }
      try await bench.desk.hasten()
      #expect(try await bench.claims(9, stamp: "policy-2").count == 2)
      #expect(try await bench.claims(9, number: 5, stamp: "policy-2").isEmpty)
    }

    @Test func `money that comes back opens the rooms that wait for it`() async throws {
      let bench = try await AdmissionBench.still()
      var limits = AdmissionLimits()
      limits.monthlyCap = Money(nanoUSD: 1000)
      let dear = Spending(nanoUSD: 800, jobs: 1)
      let first = try bench.job("first")
      _ = try await bench.admit(first, lease: "w1.0", limit: 9, limits: limits, worst: dear)
      #expect(
        try await bench.admit(try bench.job("a"), lease: "w1.1", limit: 9, limits: limits, worst: dear).place?.reason
          == .moneyReserved)
      let copy = ParkedCopy(job: try bench.job("a"), lane: .standard, bay: 1, generation: 1, copy: 1)
      _ = try await bench.desk.commit([copy])
      #expect(try await bench.claims().isEmpty)
      #expect(try await bench.due() == 60_000)
      _ = try await bench.finish(
        first, lease: "w1.0", run: "run-w1.0", spent: Spending(nanoUSD: 100, jobs: 1), month: "2026-11")
      let claim = try #require(try await bench.claims().first)
      #expect(try await bench.redeem(claim, "a", remaining: 0, limit: 9, limits: limits, worst: dear).isAdmitted)
    }

    @Test func `nothing is claimed while a loss of memory is waited out`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.wipe()
      _ = try await bench.desk.claim([:], worker: "w1", number: 1, stamp: "policy")
      #expect(try await bench.desk.adopt(3, messages: 2, lane: .standard, user: "ana") == .adopted)
      let held = try await bench.desk.claim([.standard: 1], worker: "w1", number: 1, stamp: "policy")
      #expect(held.claims.isEmpty && held.next == .seconds(30))
      try bench.pass(.seconds(30))
      #expect(try await bench.claims().count == 1)
    }

    @Test func `what a claim gave back is free for the user's waiters in other lanes at once`() async throws {
      let bench = try await AdmissionBench.still()
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a", lane: .high)
      try await bench.park("b", lane: .low)
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let high = try #require(try await bench.claims(lane: .high).first)
      #expect(try await bench.claims(lane: .low, number: 2).isEmpty)
      #expect(try await bench.desk.vacant([high]) == [false])
      #expect(try await bench.claims(lane: .low, number: 3).count == 1)
    }

    /// A claim on the head "a" of a room whose only slot somebody else has taken before it is redeemed.
    private func claimedWith(_ bench: AdmissionBench, slotTakenBy other: String) async throws -> Claim {
      let running = try bench.job("runs")
      _ = try await bench.admit(running, lease: "w1.0", limit: 1)
      try await bench.park("a")
      _ = try await bench.finish(running, lease: "w1.0", run: "run-w1.0")
      let claim = try #require(try await bench.claims().first)
      _ = try await bench.admit(try bench.job(other), lease: "w1.\(other)", limit: 2, lane: .low)
      return claim
    }
  }
}
