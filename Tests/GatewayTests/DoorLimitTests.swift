import Admission
import Contracts
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DoorLimitTests {
  @Test func `of two hundred requests at once no more come in than the windows hold`() async throws {
    try await GatewayBench.with { bench in
      let begin = ContinuousClock.now
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 1...200 { group.addTask { try await bench.submit(echo(tier: "PRO")).status } }
        return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      let seconds = Int((ContinuousClock.now - begin).components.seconds) + 1
      let accepted = statuses[202] ?? 0
      #expect(statuses.keys.sorted() == [202, 429])
      #expect(accepted >= 20 && accepted <= min(60, 20 + 5 * seconds))
      try await waitUntil("what was accepted is in the lane") {
        try await bench.messages(in: .standard) == accepted
      }
      let other = try await bench.submit(echo(user: "ben", tier: "PRO"))
      #expect(other.status == 202)
      #expect(other.field("ratelimit-policy") == #""rps";q=5;w=1;burst=20, "rpm";q=60;w=60"#)
      #expect(other.field("ratelimit") == #""rps";r=19;t=1, "rpm";r=59;t=60"#)
    }
  }

  @Test func `who is too fast is told when to come again`() async throws {
    try await GatewayBench.with { bench in
      try await bench.desk.store(Entitlement(tier: "PRO", rate: .init(perMinute: 1)), of: "ana")
      #expect(try await bench.submit(echo()).status == 202)
      let answer = try await bench.submit(echo())
      #expect(try answer.status == 429 && answer.problem == "rate-limited" && answer.json["limit"]?.string == "rate")
      #expect((20...60).contains(answer.field("retry-after").flatMap { Int($0) } ?? 0))
      #expect(answer.field("ratelimit")?.contains(#""rpm";r=0"#) == true)
    }
  }

  @Test func `a quota that is used up waits for the next month, a cap asks for payment`() async throws {
    try await GatewayBench.with { bench in
      let month = try await bench.desk.time().chargePeriod
      func book(_ user: String, _ spent: Spending) async throws {
        try await bench.desk.book([.init(userID: user, period: month, row: 1, spent: spent, eventIDs: [])])
      }
      try await book("ana", Spending(jobs: 10))
      let quota = try await bench.submit(echo(tier: "PRO"))
      #expect(try quota.status == 429 && quota.problem == "quota-exceeded" && quota.json["limit"]?.string == "jobs")
      let windows = #""rps";r=20;t=0, "rpm";r=60;t=0"#
      #expect((1...2_678_400).contains(quota.field("retry-after").flatMap { Int($0) } ?? 0))
      #expect(quota.field("ratelimit") == windows)
      try await book("ben", Spending(nanoUSD: 1_000_000_000, jobs: 1))
      let cap = try await bench.submit(echo(user: "ben", tier: "PRO"))
      #expect(try cap.status == 402 && cap.problem == "cost-cap-reached")
      #expect((1...2_678_400).contains(cap.field("retry-after").flatMap { Int($0) } ?? 0))
      #expect(cap.field("ratelimit-policy") == #""rps";q=5;w=1;burst=20, "rpm";q=60;w=60"#)
      #expect(cap.field("ratelimit") == windows)
      #expect(try await bench.take(from: .standard) == nil)
    }
  }
}
