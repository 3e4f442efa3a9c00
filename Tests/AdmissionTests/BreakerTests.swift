import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Who rests, for how long, who may probe, and what a probe's end means; on a Redis whose clock stands still.
  @Suite struct BreakerTests {
    typealias Reason = BreakerState.Reason

    private func report(
      _ bench: AdmissionBench, _ successes: Int = 0, _ failures: Int = 0, shut: Reason? = nil, pause: Duration? = nil,
      probe: String? = nil, of scope: String = "openai"
    ) async throws -> [BreakerChange] {
      try await bench.desk.report([
        BreakerReport(
          scope: scope, successes: successes, failures: failures, shut: shut, pause: pause, probe: probe)
      ])
    }

    private func state(_ bench: AdmissionBench, _ scope: String = "openai") async throws -> BreakerState? {
      try await bench.desk.breakers().1[scope]
    }

    /// How long until the next probe.
    private func rest(_ bench: AdmissionBench, _ scope: String = "openai") async throws -> Duration? {
      try await state(bench, scope).map { .milliseconds($0.retryAt.milliseconds - bench.now) }
    }

    private func probe(_ bench: AdmissionBench, _ holder: String = "w1.1", of scope: String = "openai") async throws
      -> Bool
    { try await bench.desk.takeProbe(scope, holder: holder, length: .seconds(20)) }

    private func change(_ from: Reason?, _ to: Reason?, _ scope: String = "openai") -> [BreakerChange] {
      [BreakerChange(scope: scope, from: from, to: to)]
    }

    @Test func `who yields probes only when others had their chance`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await report(bench, 0, 5)
      func yields(_ holder: String) async throws -> Bool {
        try await bench.desk.takeProbe("openai", holder: holder, length: .seconds(20), yielding: .seconds(8))
      }
      try bench.pass(.seconds(5))
      #expect(try await !yields("w1.1"))
      try bench.pass(.milliseconds(7999))
      #expect(try await !yields("w1.1"))
      try bench.pass(.milliseconds(1))
      #expect(try await yields("w1.1"))
      #expect(try await !probe(bench, "w2.1"))
    }

    @Test func `half of five calls in a minute must fail before a provider rests, and it is told once`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await report(bench, 0, 4) == [])
      #expect(try await state(bench) == nil, "four are too few")
      #expect(try await report(bench, 5, 0) == [])
      #expect(try await report(bench, 0, 1) == change(nil, .failures), "five of ten")
      #expect(try await rest(bench) == .seconds(5))
      #expect(try await state(bench)?.since.milliseconds == bench.now)
      #expect(try await report(bench, 0, 9) == [], "what began before")
      #expect(try await report(bench, 9, 0) == [])
      #expect(try await rest(bench) == .seconds(5))
      #expect(try await state(bench, "other") == nil)
    }

    @Test func `a success makes nobody rest, and fewer failures than half do not either`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await report(bench, 0, 4) == [])
      #expect(try await report(bench, 1, 0) == [], "four of five, but the last one was served")
      #expect(try await report(bench, 0, 1) == change(nil, .failures))
      #expect(try await report(bench, 60, 59, of: "other") == [])
      #expect(try await report(bench, 1, 1, of: "other") == [])
    }

    @Test func `what is older than a minute does not count`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await report(bench, 0, 3) == [])
      #expect(try await report(bench, 0, 3, of: "rare") == [])
      try bench.pass(.milliseconds(59_999))
      #expect(try await report(bench, 0, 1) == [])
      #expect(try await report(bench, 0, 3, of: "other") == [])
      try bench.pass(.milliseconds(1))
      #expect(try await report(bench, 0, 3) == [], "the first three are gone")
      #expect(try await report(bench, 0, 1) == change(nil, .failures))
      try bench.pass(.seconds(7))
      #expect(try await report(bench, 0, 2, of: "rare") == [], "theirs are, too, though nobody has looked since")
      try bench.pass(.milliseconds(46_999))
      #expect(try await report(bench, 0, 2, of: "other") == change(nil, .failures, "other"), "they lie 54 s back")
      #expect(try await report(bench, 9, 0, of: "third") == [])
      try bench.pass(.seconds(121))
      let kept = try await bench.redis.command(RedisCommand("KEYS").arg(bench.keys.prefix + "breaker:*")).array
      #expect(kept == [])
    }

    @Test func `one call probes when the rest is over, and its success lets all in with clean counts`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await !probe(bench), "it serves")
      _ = try await report(bench, 0, 5)
      try bench.pass(.milliseconds(4999))
      #expect(try await !probe(bench), "too early")
      try bench.pass(.milliseconds(1))
      #expect(try await probe(bench))
      #expect(try await !probe(bench, "w2.7"))
      #expect(try await probe(bench), "asking again is no other probe")
      #expect(try await state(bench)?.isProbed == true)
      #expect(try await report(bench, 3, 0) == [], "others began before")
      #expect(try await report(bench, 3, 0, probe: "w2.7") == [], "nor has that one the probe")
      #expect(try await report(bench, 1, 0, probe: "w1.1") == change(.failures, nil))
      #expect(try await state(bench) == nil)
      #expect(try await report(bench, 0, 4) == [], "the failures of before are forgotten")
      #expect(try await report(bench, 1, 0, probe: "w1.1") == [], "told a second time it is a call like others")
    }

    @Test func `each probe that fails doubles the rest, up to fifteen seconds`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await report(bench, 0, 5)
      let began = bench.now
      for seconds in [5, 10, 15, 15] {
        #expect(try await rest(bench) == .seconds(seconds))
        try bench.pass(.seconds(seconds))
        #expect(try await probe(bench))
        #expect(try await report(bench, 2, 1, probe: "w1.1") == [], "it rests on: no change")
        #expect(try await state(bench)?.isProbed == false)
      }
      #expect(try await state(bench)?.since.milliseconds == began)
    }

    @Test func `a probe whose holder is gone or that says nothing is free for the next`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await report(bench, 0, 5)
      try bench.pass(.seconds(5))
      #expect(try await probe(bench, "dead"))
      try bench.pass(.milliseconds(19_999))
      #expect(try await !probe(bench))
      try bench.pass(.milliseconds(1))
      #expect(try await state(bench)?.isProbed == false)
      #expect(try await probe(bench))
      #expect(try await report(bench, 1, 0, probe: "dead") == [], "it comes too late")
      #expect(try await report(bench, probe: "w1.1") == [])
      #expect(try await probe(bench, "w3.1"))
      #expect(try await report(bench, 1, 0, probe: "w3.1") == change(.failures, nil))
    }

    @Test func `a provider that asks for a pause gets it, between a second and ten minutes, the longest of them`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      #expect(try await report(bench, shut: .rate, pause: .seconds(30)) == change(nil, .rate))
      #expect(try await rest(bench) == .seconds(30))
      _ = try await report(bench, shut: .rate, pause: .seconds(10))
      #expect(try await rest(bench) == .seconds(30))
      _ = try await report(bench, shut: .rate, pause: .seconds(40))
      #expect(try await rest(bench) == .seconds(40))
      #expect(try await report(bench, shut: .rate, pause: .zero, of: "short") == change(nil, .rate, "short"))
      #expect(try await report(bench, shut: .rate, of: "silent") == change(nil, .rate, "silent"))
      #expect(try await report(bench, shut: .rate, pause: .seconds(9000), of: "long") == change(nil, .rate, "long"))
      #expect(try await rest(bench, "short") == .seconds(1))
      #expect(try await rest(bench, "silent") == .seconds(1))
      #expect(try await rest(bench, "long") == .seconds(600))
      try bench.pass(.seconds(40))
      #expect(try await probe(bench))
      #expect(try await report(bench, shut: .rate, pause: .seconds(20), probe: "w1.1") == [])
      #expect(try await rest(bench) == .seconds(20))
      try bench.pass(.seconds(20))
      #expect(try await probe(bench))
      #expect(try await report(bench, 0, 1, probe: "w1.1") == change(.rate, .failures))
      #expect(try await rest(bench) == .seconds(15))
    }

    @Test(arguments: [(Reason.account, 60), (.funds, 60), (.gone, 300)])
    func `what only an admin can mend is probed at long intervals and told once`(
      _ reason: Reason, _ seconds: Int
    ) async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await report(bench, 0, 5) == change(nil, .failures))
      #expect(try await report(bench, shut: reason) == change(.failures, reason), "it is graver")
      for _ in 1...3 {
        #expect(try await report(bench, shut: reason) == [])
        #expect(try await report(bench, shut: .rate, pause: .seconds(500)) == [])
        #expect(try await rest(bench) == .seconds(seconds))
        try bench.pass(.seconds(seconds))
        #expect(try await probe(bench))
        #expect(try await report(bench, 0, 1, probe: "w1.1") == [], "whatever stood in the probe's way")
      }
      try bench.pass(.seconds(seconds))
      #expect(try await probe(bench))
      #expect(try await report(bench, 1, probe: "w1.1") == change(reason, nil))
    }

    @Test func `a model that is gone rests alone, and a probe may find another reason`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await report(bench, shut: .gone, of: "openai/gpt 9") == change(nil, .gone, "openai/gpt 9"))
      #expect(try await state(bench) == nil)
      try bench.pass(.seconds(300))
      #expect(try await probe(bench, of: "openai/gpt 9"))
      #expect(
        try await report(bench, shut: .funds, probe: "w1.1", of: "openai/gpt 9")
          == change(.gone, .funds, "openai/gpt 9"))
      #expect(try await rest(bench, "openai/gpt 9") == .seconds(60))
    }

    @Test func `who was taken out by hand is never probed and stays out until it is released`() async throws {
      let bench = try await AdmissionBench.still()
      #expect(try await bench.desk.hold("openai") == change(nil, .hand)[0])
      try bench.pass(.seconds(100_000))
      #expect(try await bench.desk.hold("openai") == nil)
      #expect(try await !probe(bench))
      #expect(try await report(bench, 0, 9, shut: .funds) == [])
      #expect(try await report(bench, 9, 0, probe: "w1.1") == [])
      let held = try await state(bench)
      #expect(held?.reason == .hand && held?.retryAt == BreakerState.never && held?.isProbed == false)
      #expect(held?.since.milliseconds == bench.now - 100_000_000)
      #expect(try await bench.desk.release("openai") == change(.hand, nil)[0])
      #expect(try await bench.desk.release("openai") == nil)
      #expect(try await state(bench) == nil)
      _ = try await report(bench, shut: .account)
      #expect(try await bench.desk.hold("openai") == change(.account, .hand)[0])
      #expect(try await bench.desk.release("openai") == change(.hand, nil)[0])
    }

    @Test func `a release ends any rest and its counts`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await report(bench, shut: .funds)
      #expect(try await bench.desk.release("openai") == change(.funds, nil)[0])
      #expect(try await report(bench, 0, 4) == [])
      #expect(try await bench.desk.release("openai") == nil)
      #expect(try await report(bench, 0, 4) == [], "released in between")
    }

    @Test func `several scopes travel in one report, and only those that changed are told`() async throws {
      let bench = try await AdmissionBench.still()
      let changes = try await bench.desk.report([
        BreakerReport(scope: "a", successes: 9), BreakerReport(scope: "b", failures: 5),
        BreakerReport(scope: "c", shut: .account), BreakerReport(scope: "c", shut: .account), BreakerReport(scope: "d"),
      ])
      #expect(changes == change(nil, .failures, "b") + change(nil, .account, "c"))
      #expect(try await bench.desk.report([]) == [])
      #expect(try await Set(bench.desk.fleetFigures().providers.keys) == ["b", "c"])
      _ = try await bench.admit(try bench.job("j"), lease: "w.1")
      #expect(try await bench.desk.explain("j")?.breakers["c"]?.reason == .account)
    }

    @Test func `a clock that is set back holds nobody longer than its rest`() async throws {
      let bench = try await AdmissionBench.still()
      _ = try await report(bench, 0, 5)
      _ = try await report(bench, shut: .funds, of: "paid")
      try bench.pass(.seconds(5))
      #expect(try await probe(bench, "dead"))
      try bench.pass(.seconds(-7200))
      #expect(try await rest(bench) == .zero)
      #expect(try await probe(bench), "that probe is over, too")
      #expect(try await report(bench, 0, 1, probe: "w1.1") == [])
      #expect(try await rest(bench) == .seconds(10))
      #expect(try await report(bench, shut: .account, of: "paid") == [])
    }

    @Test func `what rests and is used by nobody is forgotten after a day, but for what was taken out by hand`()
      async throws
    {
      let bench = try await AdmissionBench.still()
      _ = try await report(bench, shut: .gone, of: "openai/old")
      try await bench.desk.hold("held")
      try bench.pass(.seconds(86_000))
      _ = try await report(bench, shut: .rate, of: "first")
      #expect(try await state(bench, "openai/old") != nil)
      try bench.pass(.seconds(1000))
      _ = try await report(bench, shut: .rate, of: "second")
      #expect(try await Set(bench.desk.breakers().1.keys) == ["held", "first", "second"])
    }
  }
}
