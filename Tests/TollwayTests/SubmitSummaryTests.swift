import Contracts
import Testing

@testable import tollway

struct SubmitSummaryTests {
  private func result(_ id: String, _ status: String, cost: String = "0.5") throws -> JobResult {
    let text = #"{"jobId":"\#(id)","status":"\#(status)","cost":{"amount":"\#(cost)","currency":"USD"},"error":null}"#
    return try #require(JobResult(Array(text.utf8)))
  }

  private func summary(of ids: Set<String>) -> SubmitSummary {
    SubmitSummary(published: PublishedFile(confirmed: ids.count, lanes: [.low: ids.count], ids: ids))
  }

  @Test func `a result that comes twice counts once, one of another job not at all`() throws {
    var summary = summary(of: ["a", "b"])
    for id in ["a", "a", "x"] { summary.count(try result(id, "succeeded")) }
    #expect(summary.statuses == ["succeeded": 1] && summary.open == ["b"])
    #expect(summary.costUsd == Money("0.5"))
  }

  @Test func `it fails when a job has no result or did not succeed`() throws {
    var summary = summary(of: ["a", "b"])
    summary.count(try result("a", "succeeded"))
    #expect(summary.failure(.seconds(5))?.happened == "1 of 2 jobs have no result within 5.0 seconds")
    summary.count(try result("b", "blocked"))
    #expect(summary.failure(.seconds(5))?.happened == "1 of 2 jobs did not succeed")
    var good = self.summary(of: ["a"])
    good.count(try result("a", "succeeded"))
    #expect(good.failure(.seconds(5)) == nil)
  }

  @Test(arguments: ["", "{}", "[]", #"{"jobId":"a"}"#, #"{"jobId":"a","status":"odd"}"#])
  func `bytes that are no result are not taken for one`(text: String) {
    #expect(JobResult(Array(text.utf8)) == nil)
  }

  @Test func `a result is told in a few lines`() throws {
    let text = """
      {"jobId":"j","status":"succeeded","provider":"piper","model":"joe","modelVersion":"1.0.0",
       "output":{"artifact":{"path":"a/b.wav","mediaType":"audio/wav","bytes":44}},
       "usage":[{"unit":"characters","quantity":"66"}],"cost":{"amount":"0.061700000000","currency":"USD"},
       "startedAt":"2026-11-21T10:00:00.000Z","finishedAt":"2026-11-21T10:00:01.250Z","error":null}
      """
    let lines = try #require(JobResult(Array(text.utf8))).facts.lines(Style(isColoured: false))
    #expect(
      lines == [
        "job       j", "status    succeeded", "provider  piper joe 1.0.0", "artifact  a/b.wav (audio/wav, 44 bytes)",
        "usage     66 characters", "cost      0.061700 USD", "took      1250 ms",
      ])
  }
}
