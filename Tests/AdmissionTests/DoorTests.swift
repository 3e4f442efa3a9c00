import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Who comes in at the door: windows of its own, exact to the microsecond, and what the ledger has of a month.
  @Suite struct DoorTests {
    @Test func `a burst may come in at once, and then one request each interval`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perSecond: 2, burst: 3)
      for number in 1...3 {
        let (_, windows) = try #require(try await bench.ask("job-\(number)", limits).passed)
        #expect(windows.bucket?.left == 3 - number)
      }
      let (time, windows) = try #require(try await bench.ask("job-4", limits).refusal)
      #expect(time == .milliseconds(500) && windows.bucket == .init(left: 0, next: .milliseconds(500)))
      try bench.pass(.microseconds(499_999))
      #expect(try await bench.ask("job-4", limits).refusal?.0 == .milliseconds(1))
      try bench.pass(.microseconds(1))
      #expect(try await bench.ask("job-4", limits).passed != nil)
      #expect(try await bench.ask("job-5", limits).refusal?.0 == .milliseconds(500))
    }

    @Test func `no 60 seconds ever have more requests than the minute allows`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 2)
      #expect(try await bench.ask("a", limits).passed?.1.minute == .init(left: 1, next: .seconds(60)))
      try bench.pass(.seconds(30))
      #expect(try await bench.ask("b", limits).passed?.1.minute == .init(left: 0, next: .seconds(30)))
      #expect(try await bench.ask("c", limits).refusal?.0 == .seconds(30))
      try bench.pass(.seconds(30))
      #expect(try await bench.ask("c", limits).passed != nil)
      #expect(try await bench.ask("d", limits).refusal?.0 == .seconds(30))
    }

    @Test func `two hundred requests at once get no more than the windows hold`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 50, perSecond: 100, burst: 40)
      func crowd(_ name: String) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for number in 1...200 {
            group.addTask { try await bench.ask("\(name)-\(number)", limits).passed != nil }
          }
          return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
      }
      #expect(try await crowd("first") == 40)
      try bench.pass(.milliseconds(50))
      #expect(try await crowd("second") == 5)
      try bench.pass(.seconds(1))
      #expect(try await crowd("third") == 5)
      try bench.pass(.seconds(58))
      #expect(try await crowd("fourth") == 0)
      try bench.pass(.milliseconds(950))
      #expect(try await crowd("fifth") == 40)
    }

    @Test func `starts of jobs and requests are counted apart`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 1, perSecond: 1)
      #expect(try await bench.ask("a", limits).passed != nil)
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limits: limits).isAdmitted)
    }

    @Test func `the same job again is known and takes nothing`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 2)
      #expect(try await bench.ask("a", limits).passed != nil)
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limits: limits).isAdmitted)
      for _ in 1...5 { #expect(try await bench.ask("a", limits).known?.position == 0) }
      #expect(try await bench.ask("b", limits).passed != nil)
      _ = try await bench.finish(try bench.job("a"), lease: "w.1", run: "run-w.1")
      #expect(try await bench.ask("a", limits).known?.position == 0)
      #expect(try await bench.ask("c", limits).refusal != nil)
    }

    @Test func `another body or another user under an id is a conflict, before a worker knows the job and after`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      let other = try bench.job("a", payload: #"{"n":1}"#)
      let stranger = try bench.job("a", user: "ben")
      #expect(try await bench.ask("a").passed != nil)
      for _ in 1...2 {
        #expect(try await bench.ask(other) == .conflict)
        #expect(try await bench.ask(stranger) == .conflict)
        _ = try await bench.admit(try bench.job("a"), lease: "w.1")
      }
    }

    @Test func `an id that no worker came to know is free again after a day`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await bench.ask("a").passed != nil)
      try bench.pass(.seconds(24 * 3600 + 1))
      #expect(try await bench.ask(try bench.job("a", payload: #"{"n":1}"#)).passed != nil)
    }

    @Test func `a cap or a quota that the ledger has used up refuses, what is open does not`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.admit(try bench.job("a"), lease: "w.1", limits: .cap(1000), worst: .usd(1000))
      #expect(try await bench.ask("b", .cap(1000)).passed != nil)
      try await bench.book(row: 1, .usd(999))
      #expect(try await bench.ask("c", .cap(1000)).passed != nil)
      try await bench.book(row: 2, .usd(1000))
      let refusal = try #require(try await bench.ask("d", .cap(1000)).usedUp)
      #expect(refusal.limit == .money && refusal.at == Timestamp(milliseconds: bench.now))
      try bench.clock?.set(to: "2026-12-01T00:00:00Z")
      #expect(try await bench.ask("d", .cap(1000)).passed != nil)
    }

    @Test func `a cap of nothing lets in what may cost nothing`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await bench.ask("a", .cap(0)).passed != nil)
    }

    @Test func `a quota stands against the tasks that use it`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.book(row: 1, Spending(tokens: 10, audioMilliseconds: 10_000, jobs: 3))
      var limits = AdmissionLimits()
      limits.tokens = 10
      limits.audioSeconds = 11
      let speech = try bench.job("s", task: "tts", payload: #"{"text":"x"}"#)
      let words = try bench.job("w", task: "llm", payload: #"{"prompt":"x"}"#)
      #expect(try await bench.ask(speech, limits).passed != nil)
      #expect(try await bench.ask(words, limits).usedUp?.limit == .tokens)
      limits.jobs = 3
      #expect(try await bench.ask("e", limits).usedUp?.limit == .jobs)
    }

    @Test func `who has used up a month is told the windows, and nothing is taken from them`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.book(row: 1, Spending(jobs: 3))
      var limits = AdmissionLimits(perMinute: 2, perSecond: 1, burst: 3)
      #expect(try await bench.ask("a", limits).passed != nil)
      limits.jobs = 3
      for _ in 1...3 {
        let (limit, _, windows) = try #require(try await bench.ask("b", limits).usedUp)
        #expect(limit == .jobs && windows.minute == .init(left: 1, next: .seconds(60)))
        #expect(windows.bucket == .init(left: 2, next: .seconds(1)))
      }
    }

    @Test func `a new job stands behind those that wait, a waiting one where it is`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await bench.ask("a", concurrency: 1).passed?.0 == place(bench, 1, .zero))
      _ = try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1)
      let (second, _) = try #require(try await bench.ask("b", concurrency: 1).passed)
      #expect(second.position == 1 && second.start ?? .zero > .zero)
      _ = try await bench.admit(try bench.job("b"), lease: "w.2", limit: 1)
      #expect(try await bench.ask("b", concurrency: 1).known?.position == 1)
    }

    private func place(_ bench: AdmissionBench, _ position: Int, _ start: Duration) -> DoorPlace {
      DoorPlace(at: Timestamp(milliseconds: bench.now), position: position, start: start)
    }

    @Test func `a job that came in is shown as queued until a worker knows it, and for a day`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await bench.desk.explain("a") == nil)
      #expect(try await bench.ask("a").passed != nil)
      let queued = try #require(try await bench.desk.explain("a"))
      #expect(queued.state == .queued && queued.lane == .standard && queued.tier == "PRO")
      #expect(queued.user == (try bench.job("a").userKey))
      #expect(queued.accepted == Timestamp(milliseconds: bench.now))
      #expect(try await bench.ask("b").passed != nil)
      #expect(try await bench.admit(try bench.job("b"), lease: "w.1").isAdmitted)
      let known = try #require(try await bench.desk.explain("b"))
      #expect(known.state == .running && known.accepted == nil && known.tier == "PRO")
      #expect(try await bench.redis.command(RedisCommand("EXISTS").arg(bench.doorKey("b"))).int == 0)
      try bench.pass(.seconds(24 * 3600 - 1))
      #expect(try await bench.desk.explain("a") != nil)
      try bench.pass(.milliseconds(1001))
      #expect(try await bench.desk.explain("a") == nil)
    }

    @Test func `a job that may not have reached the broker is soon not known any more`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await bench.ask("a")
      try await bench.desk.doubt(["a"])
      try bench.pass(.seconds(59))
      #expect(try await bench.desk.explain("a") != nil)
      try bench.pass(.milliseconds(1001))
      #expect(try await bench.desk.explain("a") == nil)
    }

    @Test func `a glance says another word whenever there is news`() async throws {
      let bench = try await AdmissionBench.still()
      let ids = ["a", "b", "none"]
      var words = [try await bench.desk.glance(at: ids)]
      func look() async throws { words.append(try await bench.desk.glance(at: ids)) }
      _ = try await bench.ask("b")
      try await look()
      _ = try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1)
      try await look()
      _ = try await bench.admit(try bench.job("b"), lease: "w.2", limit: 1)
      try await look()
      try bench.pass(.seconds(1))
      try await look()
      _ = try await bench.finish(try bench.job("a"), lease: "w.1", run: "run-w.1")
      try await look()
      func changes(_ index: Int) -> [Bool] { zip(words, words.dropFirst()).map { $0[index] != $1[index] } }
      #expect(words[0] == ["", "", ""] && words.allSatisfy { $0[2].isEmpty })
      #expect(changes(0) == [false, true, false, false, true])
      #expect(changes(1) == [true, false, true, false, false])
    }

    @Test func `a Redis that lost its memory lets nothing in until leases would have run out`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.wipe()
      #expect(try await bench.ask("a") == .hold(.seconds(30)))
      try bench.pass(.seconds(29))
      #expect(try await bench.ask("a") == .hold(.seconds(1)))
      try bench.pass(.seconds(1))
      #expect(try await bench.ask("a").passed != nil)
    }
  }
}

extension AdmissionBench {
  fileprivate func doorKey(_ job: String) -> String { desk.keys.prefix + "door:job:" + job }

  fileprivate func ask(
    _ job: Job, _ limits: AdmissionLimits = AdmissionLimits(), concurrency: Int = 2
  ) async throws -> DoorAnswer {
    try await desk.askDoor([
      DoorRequest(job: job, lane: .standard, tier: "PRO", concurrency: concurrency, limits: limits)
    ])[0]
  }

  fileprivate func ask(
    _ id: String, _ limits: AdmissionLimits = AdmissionLimits(), concurrency: Int = 2
  ) async throws -> DoorAnswer {
    try await ask(try job(id), limits, concurrency: concurrency)
  }
}

extension DoorAnswer {
  fileprivate var passed: (DoorPlace, DoorWindows)? {
    if case .pass(let place, let windows) = self { (place, windows) } else { nil }
  }
  fileprivate var known: DoorPlace? { if case .known(let place) = self { place } else { nil } }
  fileprivate var usedUp: (limit: MonthlyLimit, at: Timestamp, windows: DoorWindows)? {
    if case .usedUp(let limit, let time, let windows) = self { (limit, time, windows) } else { nil }
  }
  fileprivate var refusal: (Duration, DoorWindows)? {
    if case .rate(let time, let windows) = self { (time, windows) } else { nil }
  }
}
