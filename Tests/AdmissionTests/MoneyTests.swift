import Admission
import Contracts
import Testing

extension StillClockTests {
  /// A month's cap and quotas: what the ledger has (base), what is reserved or spent beyond that (open).
  @Suite struct MoneyTests {
    @Test func `what may be spent is what the cap leaves beside the ledger and all that is open`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.book(row: 1, .usd(500))
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(1000), worst: .usd(300)).isAdmitted)
      #expect(try await bench.admit(try bench.job("b"), lease: "w.2", limits: .cap(1000), worst: .usd(200)).isAdmitted)
      #expect(try await bench.standing() == [500, 500])
    }

    @Test func `a job that the ledger leaves no room for is blocked, one that others stand before waits`() async throws
    {
      let bench = try await AdmissionBench.still()
      try await bench.book(row: 1, .usd(500))
      #expect(
        try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(1000), worst: .usd(501))
          == .blocked(by: .money, run: nil, attempt: 0, costs: []))
      #expect(try await bench.admit(try bench.job("b"), lease: "w.2", limits: .cap(1000), worst: .usd(500)).isAdmitted)
      let wait = try await bench.admit(try bench.job("c"), lease: "w.3", limits: .cap(1000), worst: .usd(1))
      #expect(wait.place?.reason == .moneyReserved)
      #expect(try await bench.standing() == [500, 500])
    }

    @Test(arguments: [MonthlyLimit.tokens, .audio, .video, .jobs])
    func `each quota blocks by itself and makes wait by itself`(_ limit: MonthlyLimit) async throws {
      let bench = try await AdmissionBench.still()
      var limits = AdmissionLimits()
      let one =
        switch limit {
        case .tokens: Spending(tokens: 1, jobs: 1)
        case .audio: Spending(audioMilliseconds: 1000, jobs: 1)
        case .video: Spending(videoMilliseconds: 60_000, jobs: 1)
        default: Spending(jobs: 1)
        }
      switch limit {
      case .tokens: limits.tokens = 2
      case .audio: limits.audioSeconds = 2
      case .video: limits.videoMinutes = 2
      default: limits.jobs = 2
      }
      for number in 1...2 {
        #expect(
          try await bench.admit(
            try bench.job("job-\(number)"), lease: "w.\(number)", limit: 9, limits: limits, worst: one
          ).isAdmitted)
      }
      let wait = try await bench.admit(try bench.job("job-3"), lease: "w.3", limit: 9, limits: limits, worst: one)
      #expect(wait.place?.reason == .quotaReserved)
      let spent = Spending(
        tokens: 2 * one.tokens, audioMilliseconds: 2 * one.audioMilliseconds,
        videoMilliseconds: 2 * one.videoMilliseconds, jobs: 2)
      try await bench.book(row: 2, spent, ["job-1/run-w.1/1", "job-2/run-w.2/1"])
      #expect(
        try await bench.admit(try bench.job("job-3"), lease: "w.3", limit: 9, limits: limits, worst: one)
          == .blocked(by: limit, run: nil, attempt: 0, costs: []))
    }

    @Test func `a job that uses nothing of a quota is not stopped by it`() async throws {
      let bench = try await AdmissionBench.still()
      var limits = AdmissionLimits()
      limits.audioSeconds = 0
      let text = Spending(nanoUSD: 5, tokens: 100, jobs: 1)
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limits: limits, worst: text).isAdmitted)
    }

    @Test func `an end puts what was spent in the place of the worst case, and the ledger takes it over`() async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(900))
      _ = try await bench.finish(job, lease: "w.1", run: "run-w.1", spent: .usd(100), month: "2026-11")
      #expect(try await bench.standing() == [0, 100])
      try await bench.book(row: 7, .usd(100), ["a/run-w.1/1"])
      #expect(try await bench.standing() == [100, 0])
      try await bench.book(row: 7, .usd(100), ["a/run-w.1/1"])
      #expect(try await bench.standing() == [100, 0])
      _ = try await bench.finish(job, lease: "w.1", run: "run-w.1", spent: .usd(100), month: "2026-11")
      #expect(try await bench.standing() == [100, 0])
    }

    @Test func `sums of an older row are not taken over, but its events are let go`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(1000), worst: .usd(400))
      try await bench.book(row: 5, .usd(50))
      try await bench.book(row: 4, .usd(40), ["a/run-w.1/1"])
      #expect(try await bench.standing() == [50, 0])
    }

    @Test func `a further attempt reserves beside what the one before spent`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      #expect(
        try await bench.advance(lease, event: [1], spent: .usd(300), worst: .usd(700), limits: .cap(1000)) == .advanced)
      #expect(try await bench.standing() == [0, 1000])
      #expect(
        try await bench.advance(lease, event: [1], spent: .usd(300), worst: .usd(700), limits: .cap(1000)) == .advanced)
      #expect(try await bench.standing() == [0, 1000])
      _ = try await bench.finish(
        job, lease: "w.1", run: "run-w.1", attempt: 2, spent: .usd(1, jobs: 0), month: "2026-11")
      let (_, open) = try await bench.desk.standing(of: "ana", period: "2026-11")
      #expect(open == Spending(nanoUSD: 301, jobs: 1))
    }

    @Test func `a job whose next attempt does not fit stops and gives its slot and its reservation back`() async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      for _ in 1...2 {
        #expect(
          try await bench.advance(lease, event: [1], spent: .usd(400), worst: .usd(601), limits: .cap(1000)) == .refused
        )
        #expect(try await bench.standing() == [0, 400])
        #expect(try await bench.leases() == 0)
      }
      #expect(try await bench.desk.renew([lease]) == [.lost])
      let again = try await bench.admit(job, lease: "w.2", limits: .cap(1000), worst: .usd(601))
      #expect(again.place?.reason == .moneyReserved)
      guard
        case .admitted("run-w.1", 2, _, _, _, [[1]]) = try await bench.admit(
          job, lease: "w.2", limits: .cap(1001), worst: .usd(601))
      else {
        Issue.record("not admitted")
        return
      }
    }

    @Test func `an attempt that never reached a provider holds nothing open, and its run still counts as one job`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      let lease = bench.held(job, lease: "w.1", run: "run-w.1", worst: .usd(600))
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      #expect(try await bench.advance(lease, event: nil, worst: .usd(700), limits: .cap(1000)) == .advanced)
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(700))
      let later = bench.held(job, lease: "w.1", run: "run-w.1", attempt: 2, worst: .usd(700))
      #expect(try await bench.advance(later, event: nil, worst: .usd(1001), limits: .cap(1000)) == .refused)
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(0, jobs: 0))
      #expect(try await bench.admit(job, lease: "w.2", limits: .cap(1000), worst: .usd(500)).isAdmitted)
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(500))
    }

    @Test func `an attempt that nobody reported on keeps the estimate`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      try await bench.expireLeases()
      #expect(try await bench.declareUnknown(job, run: "run-w.1", event: [1], spent: .usd(550)))
      #expect(try await bench.standing() == [0, 550])
      #expect(try await bench.admit(job, lease: "w.2", limits: .cap(1000), worst: .usd(450)).isAdmitted)
      #expect(try await bench.desk.standing(of: "ana", period: "2026-11").open == .usd(1000))
    }

    @Test func `months are those of the server's clock`() async throws {
      let bench = try await AdmissionBench.still()
      try bench.clock?.set(to: "2026-11-30T23:59:59.999Z")
      let job = try bench.job("a")
      guard
        case .admitted(_, 1, _, _, "2026-11", _) = try await bench.admit(
          job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      else { Issue.record("not november"); return }
      try bench.pass(.milliseconds(1))
      guard
        case .admitted(_, 1, _, _, "2026-12", _) = try await bench.admit(
          try bench.job("b"), lease: "w.2", limits: .cap(1000), worst: .usd(900))
      else { Issue.record("not december"); return }
      #expect(try await bench.standing("2026-11") == [0, 600])
      #expect(try await bench.standing("2026-12") == [0, 900])
    }

    @Test func `a run is charged to the month that it began in, to its end`() async throws {
      let bench = try await AdmissionBench.still()
      try bench.clock?.set(to: "2026-11-30T23:59:59Z")
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      try bench.pass(.seconds(31))
      guard case .orphan(_, 1, _, "2026-11") = try await bench.admit(job, lease: "w.2") else {
        Issue.record("no orphan")
        return
      }
      _ = try await bench.declareUnknown(job, run: "run-w.1", event: [1], spent: .usd(500))
      guard
        case .admitted(_, 2, _, _, "2026-11", _) = try await bench.admit(
          job, lease: "w.2", limits: .cap(1000), worst: .usd(500))
      else { Issue.record("not november"); return }
      _ = try await bench.finish(
        job, lease: "w.2", run: "run-w.1", attempt: 2, spent: .usd(70, jobs: 0), month: "2026-11")
      #expect(try await bench.standing("2026-11") == [0, 570])
      #expect(try await bench.standing("2026-12") == [0, 0])
    }

    @Test func `limits that were lifted meanwhile leave what an unknown attempt had reserved`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("a")
      _ = try await bench.admit(job, lease: "w.1", limits: .cap(1000), worst: .usd(600))
      try await bench.expireLeases()
      #expect(try await bench.declareUnknown(job, run: "run-w.1", event: [1], spent: nil))
      #expect(try await bench.standing() == [0, 600])
    }
  }
}
