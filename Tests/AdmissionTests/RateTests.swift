import Admission
import Contracts
import Testing

extension StillClockTests {
  /// How many jobs of a user may start in a time: exact to the microsecond, and counted once a job.
  @Suite struct RateTests {
    @Test func `a burst may start at once, and then one job each interval`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perSecond: 2, burst: 3)
      func ask(_ number: Int) async throws -> AdmissionReply {
        try await bench.admit(try bench.job("job-\(number)"), lease: "w.\(number)", limit: 100, limits: limits)
      }
      for number in 1...3 { #expect(try await ask(number).isAdmitted) }
      let wait = try #require(try await ask(4).place)
      #expect(wait.reason == .rate && wait.until == .milliseconds(500))
      try bench.pass(.microseconds(499_999))
      #expect(try await ask(4).place?.until == .milliseconds(1))
      try bench.pass(.microseconds(1))
      #expect(try await ask(4).isAdmitted)
      #expect(try await ask(5).place?.until == .milliseconds(500))
      try bench.pass(.seconds(1))
      #expect(try await ask(5).isAdmitted)
      #expect(try await ask(6).isAdmitted)
      #expect(try await ask(7).place != nil)
    }

    @Test func `without a burst of its own the sustained rate is the burst`() async throws {
      let bench = try await AdmissionBench.still()
      let replies = try await bench.desk.admit(
        try (1...6).map {
          bench.request(try bench.job("job-\($0)"), lease: "w.\($0)", limit: 100, limits: AdmissionLimits(perSecond: 5))
        })
      #expect(replies.count(where: \.isAdmitted) == 5)
    }

    @Test func `an interval that is no whole microsecond never lets one start too many in`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perSecond: 3, burst: 1)
      var starts = 0
      for number in 0..<30 {
        if try await bench.admit(
          try bench.job("job-\(starts)"), lease: "w.\(number)", limit: 100, limits: limits
        ).isAdmitted {
          starts += 1
        }
        try bench.pass(.microseconds(333_333))
      }
      // 333,333 is a microsecond's third too short.
      #expect(starts == 15)
    }

    @Test func `the first start of a minute counts until exactly sixty seconds after it`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 2)
      func ask(_ number: Int) async throws -> AdmissionReply {
        try await bench.admit(try bench.job("job-\(number)"), lease: "w.\(number)", limit: 100, limits: limits)
      }
      #expect(try await ask(1).isAdmitted)
      try bench.pass(.microseconds(20_000_001))
      #expect(try await ask(2).isAdmitted)
      let wait = try #require(try await ask(3).place)
      #expect(wait.reason == .rate && wait.until == .milliseconds(40_000))
      try bench.pass(.microseconds(39_999_998))
      #expect(try await ask(3).place?.reason == .rate)
      try bench.pass(.microseconds(1))
      #expect(try await ask(3).isAdmitted)
      #expect(try await ask(4).place?.until == .microseconds(20_002_000 - 1000))
    }

    @Test func `of two rates the stricter one gives the instant`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 2, perSecond: 1, burst: 1)
      func ask(_ number: Int) async throws -> AdmissionReply {
        try await bench.admit(try bench.job("job-\(number)"), lease: "w.\(number)", limit: 100, limits: limits)
      }
      #expect(try await ask(1).isAdmitted)
      #expect(try await ask(2).place?.until == .seconds(1))
      try bench.pass(.seconds(1))
      #expect(try await ask(2).isAdmitted)
      #expect(try await ask(3).place?.until == .seconds(59))
    }

    @Test func `a job counts once, however often it is attempted`() async throws {
      let bench = try await AdmissionBench.still()
      let job = try bench.job("job")
      let limits = AdmissionLimits(perMinute: 1, perSecond: 1, burst: 1)
      #expect(try await bench.admit(job, lease: "w.1", limits: limits).isAdmitted)
      try await bench.expireLeases()
      #expect(try await bench.declareUnknown(job, run: "run-w.1", event: [1]))
      #expect(try await bench.admit(job, lease: "w.2", limits: limits).isAdmitted)
      try bench.pass(.seconds(60))
      #expect(try await bench.admit(try bench.job("other"), lease: "w.3", limits: limits).isAdmitted)
    }

    @Test func `what was refused for another reason has taken no start`() async throws {
      let bench = try await AdmissionBench.still()
      let limits = AdmissionLimits(perMinute: 2)
      #expect(try await bench.admit(try bench.job("a"), lease: "w.1", limit: 1, limits: limits).isAdmitted)
      for number in 2...5 {
        let reply = try await bench.admit(try bench.job("b"), lease: "w.\(number)", limit: 1, limits: limits)
        #expect(reply.place?.reason == .concurrency)
      }
      _ = try await bench.finish(try bench.job("a"), lease: "w.1", run: "run-w.1")
      #expect(try await bench.admit(try bench.job("c"), lease: "w.6", limit: 2, lane: .low, limits: limits).isAdmitted)
    }

    @Test func `a clock that is set back makes nobody wait longer than a full bucket or a minute`() async throws {
      let bench = try await AdmissionBench.still()
      for (user, limits) in [("ana", AdmissionLimits(perSecond: 1, burst: 2)), ("ben", AdmissionLimits(perMinute: 2))] {
        for number in 1...2 {
          #expect(
            try await bench.admit(
              try bench.job("\(user)-\(number)", user: user), lease: "\(user).\(number)", limit: 9, limits: limits
            ).isAdmitted)
        }
      }
      try bench.pass(.seconds(-3600))
      let ana = try await bench.admit(
        try bench.job("ana-3", user: "ana"), lease: "ana.3", limit: 9, limits: AdmissionLimits(perSecond: 1, burst: 2))
      #expect(try #require(ana.place).until <= .seconds(2))
      let ben = try await bench.admit(
        try bench.job("ben-3", user: "ben"), lease: "ben.3", limit: 9, limits: AdmissionLimits(perMinute: 2))
      #expect(try #require(ben.place).until <= .seconds(60))
      try bench.pass(.seconds(1))
      #expect(
        try await bench.admit(
          try bench.job("ana-4", user: "ana"), lease: "ana.4", limit: 9, lane: .low,
          limits: AdmissionLimits(perSecond: 1, burst: 2)
        ).isAdmitted)
      try bench.pass(.seconds(60))
      #expect(
        try await bench.admit(
          try bench.job("ben-4", user: "ben"), lease: "ben.4", limit: 9, lane: .low,
          limits: AdmissionLimits(perMinute: 2)
        ).isAdmitted)
    }
  }
}
