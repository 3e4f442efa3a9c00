import Admission
import Contracts
import Testing

extension StillClockTests {
  /// Money after Redis lost its memory, and what comes late.
  @Suite struct LostMoneyTests {
    @Test func `after a loss hard limits wait until billing has caught up with this very loss`() async throws {
      let bench = try await AdmissionBench.still()
      let old = try #require(LedgerMarker(epoch: try await bench.epoch()))
      try await bench.wipe()
      guard case .hold = try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(9), worst: .usd(1)) else {
        Issue.record("no hold")
        return
      }
      try bench.pass(.seconds(30))
      let wait = try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(9), worst: .usd(1))
      #expect(wait.place?.reason == .catchingUp)
      #expect(try await bench.admit(try bench.job("b"), lease: "w.2").isAdmitted)
      #expect(try await !bench.desk.moneyIsKnown(old))
      let new = try #require(LedgerMarker(epoch: try await bench.epoch()))
      #expect(try await bench.desk.moneyIsKnown(new))
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(9), worst: .usd(1)).isAdmitted)
    }

    @Test func `what was open is written again by those who know of it, once`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      try await bench.wipe()
      #expect(try await bench.desk.renew([lease, lease]) == [.restored, .renewed])
      for _ in 1...2 {
        try await bench.desk.assert([
          ("ana", "b/run-b/1", "2026-11", .usd(50)), ("ana", "a/run-w.1/1", "2026-11", .usd(1)),
        ])
      }
      #expect(try await bench.standing() == [0, 650])
      _ = try await bench.finish(job, lease: "w.1", run: "run-w.1", spent: .usd(100), month: "2026-11")
      #expect(try await bench.standing() == [0, 150])
    }

    @Test func `a renewal that is late does not reserve again for an attempt that has ended`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      _ = try await bench.advance(lease, event: [1], spent: .usd(300), worst: .usd(10), limits: .cap(1000))
      try await bench.book(row: 1, .usd(300), ["a/run-w.1/1"])
      #expect(try await bench.desk.renew([lease]) == [.renewed])
      #expect(try await bench.standing() == [300, 10])
    }

    @Test func `after a loss nobody reserves for a further attempt before the money is known`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      try await bench.wipe()
      for _ in 1...2 {
        #expect(
          try await bench.advance(lease, event: [1], spent: .usd(300), worst: .usd(700), limits: .cap(1000)) == .refused
        )
      }
      #expect(try await bench.standing() == [0, 300])
      _ = try await bench.admit(job, lease: "w.2", limits: .cap(1000), worst: .usd(600))
      try bench.pass(.seconds(30))
      let marker = try #require(LedgerMarker(epoch: try await bench.epoch()))
      #expect(try await bench.desk.moneyIsKnown(marker))
      guard
        case .admitted("run-w.1", 2, _, _, "2026-11", [[1]]) = try await bench.admit(
          job, lease: "w.2", limits: .cap(1000), worst: .usd(600))
      else {
        Issue.record("the run does not go on")
        return
      }
    }
  }
}
