import ArgumentParser
import Billing
import Catalog
import Contracts
import Operations
import Testing

@testable import tollway

struct UserLimitTests {
  private func options(_ line: String) throws -> LimitOptions {
    try LimitOptions.parse(line.split(separator: " ").map(String.init))
  }

  @Test func `what is not named stays as it was laid down`() throws {
    let before = UserOverrides(
      concurrency: 3, monthlyUsd: Money("5"), hardStop: true, quotas: .init(tokens: 10, jobs: 20),
      rateLimit: .init(rpm: 60))
    let after = try options("--monthly-usd 7.5 --hard-stop false --jobs 0 --burst 4").laid(over: before)
    #expect(
      after
        == UserOverrides(
          concurrency: 3, monthlyUsd: Money("7.5"), hardStop: false, quotas: .init(tokens: 10, jobs: 0),
          rateLimit: .init(rpm: 60, burst: 4)))
    #expect(after.text == "concurrency 3, monthlyUsd 7.500000, hardStop false, tokens 10, jobs 0, rpm 60, burst 4")
  }

  @Test func `every limit of the policy file can be laid down`() throws {
    let all = try options(
      "--concurrency 1 --monthly-usd 2 --hard-stop true --tokens 3 --audio-seconds 4 --video-minutes 5 --jobs 6 --rpm 7"
        + " --rps 8 --burst 9")
    #expect(
      all.laid(over: .none)
        == UserOverrides(
          concurrency: 1, monthlyUsd: Money("2"), hardStop: true,
          quotas: .init(tokens: 3, audioSeconds: 4, videoMinutes: 5, jobs: 6),
          rateLimit: .init(rpm: 7, rps: 8, burst: 9)))
    #expect(try options("").isEmpty && !all.isEmpty)
  }

  @Test(arguments: [
    "--concurrency 0", "--monthly-usd -1", "--monthly-usd much", "--monthly-usd 9000001", "--hard-stop maybe",
    "--tokens -1", "--video-minutes 100000000001", "--rpm 0", "--rps 1.5", "--burst 0",
  ])
  func `figures that no limit can have are refused`(line: String) {
    #expect(throws: (any Error).self) { try options(line) }
  }

  @Test func `each limit says where it comes from`() throws {
    let policy = try PolicyFile.read(text: PolicyFile.builtIn).0
    var tier = try #require(policy.tiers["PRO"])
    tier.monthly.jobs = 100
    tier.monthly.audioSeconds = nil
    tier.rate = .init(perMinute: 60, perSecond: 5)
    tier.costCap = nil
    let assignment = Assignment(
      userID: "ana", tier: nil,
      overrides: UserOverrides(monthlyUsd: Money("3"), quotas: .init(tokens: 0), rateLimit: .init(rpm: 90)),
      changedAt: Timestamp(milliseconds: 0), changedBy: "root", reason: "")
    let limits = UserLimit.all(of: tier, assignment)
    #expect(
      limits.map { "\($0.name.rawValue) \($0.value ?? "-") \($0.origin)" } == [
        "concurrency 5 tier", "monthlyUsd 3.000000000000 override", "hardStop true tier", "tokens 0 override",
        "audio_seconds - tier", "video_minutes 60 tier", "jobs 100 tier", "rpm 90 override", "rps 5 tier",
        "burst 5 tier",
      ])
    #expect(UserLimit.all(of: tier, nil).allSatisfy { $0.origin == .tier })
  }

  @Test func `a month begins at midnight of its first day, and one before it`() throws {
    let time = try #require(Timestamp("2026-01-31T23:59:59.999Z"))
    #expect(Month(of: time).start == Timestamp("2026-01-01T00:00:00Z"))
    #expect(Month(of: time).before.period == "2025-12")
    #expect(Month(of: Month(of: time).start).period == "2026-01")
  }
}
