import Contracts
import Testing

@testable import Billing

/// What the ledger remembers of the jobs that others wait for.
@Suite(.onEachStore) struct LedgerOutputsTests {
  private let file = Array(#"{"artifact":{"path":"a.wav","mediaType":"audio/wav","bytes":3,"sha256":"00"}}"#.utf8)

  private func success(_ job: String, run: String = "r1", output: [UInt8]?) throws -> CostEvent {
    var event = try costEvent(job: job, run: run)
    event.output = output
    return event
  }

  @Test func `the newest success of a job is found with its files`() async throws {
    let place = try await TestLedger()
    let ledger = try place.open()
    var late = try costEvent(job: "failed", corrects: "failed/r1/1", correction: 0)
    late.output = file
    _ = try await ledger.record([
      try success("first", output: file).arrived, try success("inline", output: nil).arrived,
      try success("twice", output: nil).arrived, try success("twice", run: "r2", output: file).arrived,
      try costEvent(job: "failed", outcome: .unknown).arrived, late.arrived,
    ])
    let found = try await ledger.successes(of: ["twice", "nobody", "first", "failed", "inline"])
    #expect(found.map(\.jobID) == ["twice", "first", "inline"])
    #expect(found.map(\.output) == [file, file, nil])
    #expect(found.allSatisfy { $0.userID == "anna" && $0.taskType == "tts" })
    #expect(try await ledger.successes(of: []).isEmpty)
    try ledger.close()
  }

  @Test func `an event with other files is another event, and one with too many is none`() async throws {
    let place = try await TestLedger()
    let ledger = try place.open()
    let event = try success("j", output: file)
    #expect(try await ledger.record([event.arrived, event.arrived]).last == .duplicate)
    #expect(try await ledger.record([try success("j", output: nil).arrived]) == [.conflict(eventID: event.id)])
    let many = Array((#"{"artifacts":["# + String(repeating: "{},", count: 8000) + "{}]}").utf8)
    guard case .quarantined(let reason)? = try await ledger.record([try success("k", output: many).arrived]).first
    else {
      Issue.record("an output of \(many.count) bytes was booked")
      return
    }
    #expect(reason.hasPrefix("output:"))
    try ledger.close()
  }
}
