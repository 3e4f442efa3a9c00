import Contracts
@testable import Operations
import Testing

@testable import Console

@Suite struct JobAnswerTests {
  @Test func `a limit of the user is as intended, and the fleet is not`() {
    var job = Sample().waitingJob
    #expect(JobAnswer(job).severity == "calm")
    #expect(JobAnswer(job).sentence == "Waits as intended: u_8841 runs 5 of 5 at once (tier PLUS).")
    job.reason = "provider_resting"
    job.resting = [.init(provider: "voxcorp", reason: "failures")]
    #expect(JobAnswer(job).severity == "bad")
    #expect(JobAnswer(job).sentence == "Waits for us: its providers rest (voxcorp: its calls fail).")
    job.reason = "slot"
    #expect(JobAnswer(job).sentence.hasPrefix("Waits for us"))
  }

  @Test(arguments: ["queued", "waiting", "running", "succeeded", "failed", "blocked", "cancelled", "dead", "unknown"])
  func `every state has a sentence`(state: String) {
    var job = Explanation(unknown: "j", at: Timestamp(milliseconds: 0))
    job.state = state
    #expect(JobAnswer(job).sentence.hasSuffix("."))
  }

  @Test func `one limit binds and the others are there with what is used of them`() {
    let rows = JobLimits(Sample().waitingJob).rows
    #expect(rows.map { $0["name"] as? String }.count == 4)
    #expect(rows.count { $0["says"] as? String == "this one binds" } == 1)
    #expect(rows.contains { $0["used"] as? String == "$15.51" && $0["of"] as? String == "$20.00" })
  }

  @Test func `a bar tells what is used, held and left`() throws {
    let bars = try Sample().usage.limits.compactMap { try UserBar($0, Sample().usage)?.row }
    let money = try #require(bars.first { $0["name"] as? String == "USD a month" })
    #expect(money["says"] as? String == "$13.11 + $2.40 held of $20.50, $4.99 left")
    #expect(money["resets"] as? String == "begins anew on 2025-12-01")
    #expect(money["origin"] as? String == "set for this user")
  }
}
