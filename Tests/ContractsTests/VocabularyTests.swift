import Contracts
import Testing

/// The names that foreign programs rely on.
@Suite struct VocabularyTests {
  @Test(arguments: [
    ("caller_error", "gone", "failed", false), ("content_refused", "gone", "failed", false),
    ("deadline_exceeded", "gone", "failed", false), ("parent_failed", "gone", "failed", false),
    ("cancelled", "gone", "cancelled", false), ("no_route", "dead", "failed", true),
    ("provider_failed", "dead", "failed", true), ("attempts_exhausted", "dead", "failed", true),
    ("poison", "dead", "failed", true), ("unknown_task", "dead", "failed", true),
    ("invalid_message", "dead", "failed", false), ("id_conflict", "dead", "failed", false),
    ("quota_exceeded", "blocked", "blocked", false), ("cost_cap_reached", "blocked", "blocked", false),
  ])
  func `each error code rests, reports and replays as the contract says`(
    code: String, resting: String, status: String, isReplayable: Bool
  ) throws {
    let end = try #require(EndCode(rawValue: code))
    #expect("\(end.resting)" == resting)
    #expect(end.status.rawValue == status)
    #expect(end.isReplayable == isReplayable)
  }

  @Test func `a namespace stands before every name and owns them`() {
    let plain = Topology()
    #expect(Lane.allCases.map(plain.queue(of:)) == ["jobs.critical", "jobs.high", "jobs.standard", "jobs.low"])
    #expect(plain.costsLedger == "costs.ledger")
    let fleet = Topology(namespace: "blue")
    #expect(fleet.delay(seconds: 8) == "blue.jobs.delay.8s")
    #expect(fleet.owns(queue: "blue.jobs.dead"))
    #expect(fleet.owns(queue: "blue.results"))
    #expect(!fleet.owns(queue: "jobs.dead"))
    #expect(!fleet.owns(queue: "blue.jobsites"))
    #expect(!fleet.owns(queue: "amq.gen-abc"))
  }

  @Test func `lanes are ordered by importance`() {
    #expect(Lane.allCases.sorted() == [.low, .standard, .high, .critical])
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("user@x.y:1", "dXNlckB4Lnk6MQ"), ("~~~?", "fn5-Pw"),
  ])
  func `users stand in keys as base64url without padding`(text: String, expected: String) {
    #expect(Identifier.base64url(text) == expected)
  }
}
