import Admission
import Contracts
import Redis
import Testing

extension StillClockTests {
  /// Requests that ask at the door together: each gets what it would get alone.
  @Suite struct DoorCrowdTests {
    private func request(
      _ bench: AdmissionBench, _ id: String, user: String = "ana", limits: AdmissionLimits, after: [String] = []
    ) throws -> DoorRequest {
      DoorRequest(
        job: try bench.job(id, user: user, after: after), lane: .standard, tier: "PRO", concurrency: 2, limits: limits)
    }

    private func minuteLeft(_ answer: DoorAnswer) -> Int? {
      if case .pass(_, let windows) = answer { windows.minute?.left } else { nil }
    }

    @Test func `more than one call carries are answered in their order`() async throws {
      let bench = try await AdmissionBench.still()
      let requests = try (0..<300).map {
        try request(bench, "job-\($0)", user: "user-\($0 % 3)", limits: AdmissionLimits(perMinute: 90))
      }
      let answers = try await bench.desk.askDoor(requests)
      #expect(answers.count == 300)
      for (number, answer) in answers.enumerated() {
        #expect(minuteLeft(answer) == (number < 270 ? 89 - number / 3 : nil), "request \(number)")
      }
      #expect(answers.suffix(30).allSatisfy { if case .rate = $0 { true } else { false } })
      #expect(try await bench.desk.askDoor([]) == [])
    }

    @Test func `those with many parents do not share a call with all others`() async throws {
      let bench = try await AdmissionBench.still()
      let parents = (0..<128).map { "parent-\($0)" }
      let requests = try (0..<20).map { number in
        try request(
          bench, "job-\(number)", limits: AdmissionLimits(perMinute: 100), after: number % 2 == 0 ? parents : [])
      }
      let answers = try await bench.desk.askDoor(requests)
      for (number, answer) in answers.enumerated() {
        guard case .pass(let place, let windows) = answer else { throw Unexpected() }
        #expect(windows.minute?.left == 99 - number)
        #expect((place.start == nil) == (number % 2 == 0), "nobody knows when a child of unknown parents starts")
      }
    }

    @Test func `an id that comes twice is let in for one of two users`() async throws {
      let bench = try await AdmissionBench.still()
      let answers = try await bench.desk.askDoor([
        try request(bench, "job", limits: AdmissionLimits(perMinute: 2)),
        try request(bench, "job", user: "ben", limits: AdmissionLimits(perMinute: 2)),
        try request(bench, "other", user: "ben", limits: AdmissionLimits(perMinute: 2)),
      ])
      #expect(answers[1] == .conflict && minuteLeft(answers[0]) == 1 && minuteLeft(answers[2]) == 1)
    }

    @Test func `all wait as long as a lost memory asks for`() async throws {
      let bench = try await AdmissionBench.still()
      try await bench.wipe()
      let requests = try (0..<70).map { try request(bench, "job-\($0)", limits: AdmissionLimits()) }
      #expect(try await bench.desk.askDoor(requests) == Array(repeating: .hold(.seconds(30)), count: 70))
    }

    @Test func `a clock that is set back makes nobody wait longer than a minute at the door`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 2, perSecond: 1, burst: 2)
      for id in ["a", "b"] { #expect(minuteLeft(try await ask(bench, id, limits)) != nil) }
      try bench.pass(.seconds(-3600))
      guard case .rate(let time, _) = try await ask(bench, "c", limits) else { throw Unexpected() }
      #expect(time == .seconds(60))
      try bench.pass(.seconds(60))
      #expect(minuteLeft(try await ask(bench, "c", limits)) == 1)
      #expect(minuteLeft(try await ask(bench, "d", limits)) == 0)
      guard case .rate(let again, _) = try await ask(bench, "e", limits) else { throw Unexpected() }
      #expect(again == .seconds(60))
    }

    private func ask(_ bench: AdmissionBench, _ id: String, _ limits: AdmissionLimits) async throws -> DoorAnswer {
      try await bench.desk.askDoor([try request(bench, id, limits: limits)])[0]
    }

    private struct Unexpected: Error {}
  }
}
