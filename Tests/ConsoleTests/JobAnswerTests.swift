import Contracts
@testable import Operations
import Testing

@testable import Console

@Suite struct JobAnswerTests {
  @Test func `a limit of the user is as intended, and the fleet is not`() {
    var job = Sample().waitingJob
    #expect(JobAnswer(job).severity == "calm")
    #expect(JobAnswer(job).sentence == "Waits as intended: u_8841 is at its concurrency, 5 of 5 (tier PLUS).")
    job.reason = "provider_resting"
    job.resting = [.init(provider: "voxcorp", reason: "failures")]
    #expect(JobAnswer(job).severity == "bad")
    #expect(JobAnswer(job).sentence == "Waits for us: its providers do not serve (voxcorp: its calls failed).")
    job.reason = "slot"
    #expect(JobAnswer(job).sentence == "Waits for us: all 48 slots are busy.")
    job.busy = 47
    #expect(JobAnswer(job).sentence == "Waits for us: nothing stands against it, and a worker has to take it.")
    (job.workers, job.slots, job.busy) = (0, 0, 0)
    #expect(JobAnswer(job).sentence == "Waits for us: no worker is there.")
  }

  @Test func `a user with a slot free is not said to wait as intended`() {
    var job = Sample().waitingJob
    job.active = 4
    #expect(!JobAnswer(job).sentence.contains("as intended"))
  }

  @Test func `every reason has a sentence and a label of its own`() {
    var job = Explanation(unknown: "j", at: Timestamp(milliseconds: 0))
    job.state = "waiting"
    let sentences = WaitCause.allCases.map { cause in
      job.reason = cause.rawValue
      return JobAnswer(job).sentence
    }
    #expect(Set(sentences).count == WaitCause.allCases.count && !sentences.contains("Waits."))
    #expect(Set(WaitCause.allCases.map(\.label)).count == WaitCause.allCases.count)
    #expect(WaitCause.allCases.allSatisfy { WaitCause(rawValue: $0.rawValue) == $0 })
    #expect(WaitCause(rawValue: "of a newer release") == nil)
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
