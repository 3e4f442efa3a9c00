import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// What jobs that wait for other jobs cost Redis, however many there are and whatever they name.
  @Suite struct ParentFloodTests {
    private func child(_ id: String = "child", after: [String], user: String = "ana") throws -> ChildJob {
      let names = after.map { "\"\($0)\"" }.joined(separator: ",")
      let body = #"{"id":"\#(id)","userId":"\#(user)","taskType":"llm","payload":{"prompt":"x"},"after":[\#(names)]}"#
      guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else { throw NoJob() }
      return ChildJob(job: job, lane: .standard, replays: nil, pause: .seconds(2))
    }

    private struct NoJob: Error {}

    private func ask(_ bench: AdmissionBench, _ child: ChildJob) async throws -> ParentsReply {
      try await bench.desk.parents(of: [child])[0]
    }

    private func names(_ count: Int, _ prefix: String = "n") -> [String] {
      (0..<count).map { "\(prefix)\($0)" + String(repeating: "x", count: 100) }
    }

    private func succeed(_ bench: AdmissionBench, _ id: String) async throws {
      let job = try bench.job(id)
      _ = try await bench.admit(job, lease: "w.\(id)", limit: 10)
      _ = try await bench.finish(job, lease: "w.\(id)", run: "run-w.\(id)")
    }

    private func forget(_ bench: AdmissionBench, _ id: String) async throws {
      _ = try await bench.redis.command(RedisCommand("DEL").arg(bench.keys.job(id)).arg(bench.keys.output(id)))
    }

    @Test func `the more jobs of a user wait, the longer each waits, and nobody else's`() async throws {
      let bench = try await AdmissionBench.still()
      let children = try (0..<400).map { try child("c\($0)", after: ["open"]) }
      let replies = try await bench.desk.parents(of: children)
      #expect(replies[79] == .wait(succeeded: 0, pause: .seconds(2)))
      #expect(replies[399] == .wait(succeeded: 0, pause: .seconds(10)))
      #expect(try await ask(bench, children[0]) == .wait(succeeded: 0, pause: .seconds(10)))
      let wait = try #require(try await bench.desk.explain("c0")?.wait)
      #expect(wait.expected == .seconds(10))
      let other = try child("other", after: ["open"], user: "ben")
      #expect(try await ask(bench, other) == .wait(succeeded: 0, pause: .seconds(2)))
      _ = try await bench.admit(try bench.job("open"), lease: "w.open")
      try await succeed(bench, "open")
      _ = try await bench.desk.parents(of: Array(children.prefix(200)))
      #expect(
        try await ask(bench, try child("new", after: ["none"])) == .wait(succeeded: 0, pause: .milliseconds(5025)),
        "those that are ready wait here no more")
      // The rest never came back.
      try bench.pass(.seconds(1000))
      for _ in 0..<26 { _ = try await ask(bench, try child("new", after: ["none"])) }
      #expect(try await ask(bench, try child("new", after: ["none"])) == .wait(succeeded: 0, pause: .seconds(2)))
    }

    @Test func `no user waits longer than it takes for a job to count as lost`() async throws {
      let bench = try await AdmissionBench.still()
      let key = bench.keys.prefix + "children:" + Identifier.base64url("ana")
      for thousand in 0..<25 {
        var command = RedisCommand("ZADD", capacity: 1 << 16).arg(key)
        for number in 0..<1000 { command = command.arg(bench.now + 1000).arg("c\(thousand)-\(number)") }
        _ = try await bench.redis.command(command)
      }
      #expect(try await ask(bench, try child(after: ["open"])) == .wait(succeeded: 0, pause: .seconds(512)))
    }

    @Test func `of names that nobody knows some are asked for with each look, in turns`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(after: names(128))
      var asked: Set<String> = []
      for look in 1...4 {
        _ = try await ask(bench, child)
        let taken = try await bench.desk.takeAsked(limit: 1000)
        asked.formUnion(taken)
        #expect(taken.count == 32 && asked.count == 32 * look)
        try bench.pass(.seconds(8))
      }
      let size = try await bench.redis.command(RedisCommand("MEMORY").arg("USAGE").arg(bench.keys.job("child"))).int
      #expect(try #require(size) < 5000, "not the names, but places")
      // Each is missed for ten minutes of looking, whenever its turn was.
      var missing: ParentsReply?
      for _ in 0..<80 where missing == nil {
        let reply = try await ask(bench, child)
        if case .missing = reply { missing = reply }
        try bench.pass(.seconds(8))
      }
      #expect(missing == .missing(names(128)[0]))
      #expect(bench.now >= (try instant("2026-11-21T12:10:00Z")) / 1000)
    }

    @Test func `no user takes all places among the names that billing is asked for`() async throws {
      let bench = try await AdmissionBench.still()
      for family in 0..<40 {
        _ = try await ask(bench, try child("c\(family)", after: names(128, "f\(family)-")))
      }
      _ = try await ask(bench, try child("his", after: ["his-parent"], user: "ben"))
      let taken = try await bench.desk.takeAsked(limit: 20_000)
      #expect(taken.count == 1001 && taken.contains("his-parent"))
      _ = try await ask(bench, try child("c39", after: names(128, "f39-")))
      #expect(try await bench.desk.takeAsked(limit: 20_000).count == 32, "the places are free again")
      for user in 0..<12 {
        let children = try (0..<40).map {
          try child("u\(user)-\($0)", after: names(32, "u\(user)-\($0)-"), user: "u\(user)")
        }
        _ = try await bench.desk.parents(of: children)
      }
      #expect(try await bench.desk.takeAsked(limit: 20_000).count == 10_000, "Redis does not grow without bound")
    }

    @Test func `a name that billing is not asked for is not missed meanwhile`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child("late", after: ["unheard"])
      let key = bench.keys.prefix + "asked_by"
      _ = try await bench.redis.command(RedisCommand("HSET").arg(key).arg(Identifier.base64url("ana")).arg(1000))
      for _ in 0..<20 {
        #expect(try await ask(bench, child) == .wait(succeeded: 0, pause: .seconds(2)))
        try bench.pass(.seconds(60))
      }
      _ = try await bench.redis.command(RedisCommand("DEL").arg(key))
      for _ in 0..<10 {
        #expect(try await ask(bench, child) == .wait(succeeded: 0, pause: .seconds(2)))
        try bench.pass(.seconds(60))
      }
      #expect(try await ask(bench, child) == .missing("unheard"))
    }

    @Test func `a name that finds no place any more keeps the time for which it was missed`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child("late", after: ["unheard"])
      let key = bench.keys.prefix + "asked_by"
      func look(times: Int) async throws {
        for _ in 0..<times {
          #expect(try await ask(bench, child) == .wait(succeeded: 0, pause: .seconds(2)))
          try bench.pass(.seconds(60))
        }
      }
      try await look(times: 6)
      // Answered, and so not asked for any more; then others of the user have all places.
      _ = try await bench.desk.takeAsked(limit: 10)
      _ = try await bench.redis.command(RedisCommand("HSET").arg(key).arg(Identifier.base64url("ana")).arg(1000))
      try await look(times: 15)
      _ = try await bench.redis.command(RedisCommand("DEL").arg(key))
      try await look(times: 4)
      #expect(try await ask(bench, child) == .missing("unheard"))
    }

    @Test func `a success that was seen is believed for an hour, and until the job is admitted`() async throws {
      let bench = try await AdmissionBench.still()
      let child = try child(after: ["a", "b"])
      try await succeed(bench, "a")
      _ = try await bench.admit(try bench.job("b"), lease: "w.b", limit: 1)
      #expect(try await ask(bench, child) == .wait(succeeded: 1, pause: .seconds(2)))
      try await forget(bench, "a")
      #expect(try await ask(bench, child) == .wait(succeeded: 1, pause: .seconds(2)), "it is not looked at")
      try bench.pass(.seconds(3601))
      #expect(try await ask(bench, child) == .wait(succeeded: 0, pause: .seconds(2)))
      try await succeed(bench, "a")
      #expect(try await ask(bench, child) == .wait(succeeded: 1, pause: .seconds(2)))
      try await forget(bench, "a")
      try await succeed(bench, "b")
      #expect(try await ask(bench, child) == .ready)
      // What it needs is found missing then, and it gives its lease back.
      _ = try await bench.admit(child.job, lease: "w.child", limit: 2)
      #expect(try await bench.desk.inputs(for: [child.job], within: 100) == [.gone("a")])
      _ = try await bench.desk.pause(
        bench.held(child.job, lease: "w.child", run: "run-w.child"), ended: nil, isMade: false)
      #expect(try await ask(bench, child) == .wait(succeeded: 1, pause: .seconds(2)))
    }
  }
}
