import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct InterventionLogTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let log: InterventionLog
  private let note = ActNote(by: "key:k1", reason: "cause mended", surface: .api, requestID: "r1")

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open { Timestamp(milliseconds: 1_790_000_000_123) }
    log = InterventionLog(in: ledger)
  }

  @Test func `an act is there before it ends, with who, what and why`() async throws {
    let number = try await log.begin(.deadReplay, on: Intervention.Target(ids: ["a", "b"]), note)
    let begun = try await ledger.auditTrail(limit: 10)
    #expect(
      begun == [
        AuditEntry(
          at: Timestamp(milliseconds: 1_790_000_000_123), by: "key:k1", act: "dead.replay", target: "a b",
          reason: "cause mended", surface: "api", requestID: "r1", targetCount: 2)
      ])
    try await log.end(number, Intervention.Outcome(done: 1, kept: 1))
    #expect(try await ledger.auditTrail(limit: 10)[0].outcome == Intervention.Outcome(done: 1, kept: 1))
  }

  @Test func `an outcome stays, and a row is never changed or removed`() async throws {
    let number = try await log.begin(.jobCancel, on: Intervention.Target(ids: ["a"]), note)
    try await log.end(number, Intervention.Outcome(done: 1, kept: 0))
    try await log.end(number, Intervention.Outcome(done: 7, kept: 7))
    #expect(try await ledger.auditTrail(limit: 1)[0].outcome == Intervention.Outcome(done: 1, kept: 0))
    let refused = [
      "UPDATE intervention SET reason = 'x'", "UPDATE intervention SET changed_by = 'eve'",
      "UPDATE intervention SET done = 9", "DELETE FROM intervention",
    ]
    for sql in refused {
      await #expect(throws: LedgerError.self, "\(sql)") { try await ledger.execute(sql) }
    }
  }

  @Test func `a thousand ids are kept, the trail shows the first of them`() async throws {
    let ids = (1...1000).map { String(repeating: "x", count: 120) + "\($0)" }
    _ = try await log.begin(.blockedRelease, on: Intervention.Target(ids: ids), note)
    #expect(try await ledger.texts("SELECT target FROM intervention") == [ids.joined(separator: " ")])
    let entry = try await ledger.auditTrail(limit: 1)[0]
    #expect(entry.target.count == 400 && entry.target.hasSuffix("…") && entry.targetCount == 1000)
    let more = Intervention.Target(ids: (1...2000).map { String(repeating: "y", count: 124) + "\($0)" })
    #expect(more.text.utf8.count <= 130_000 && more.text.contains(" more") && more.count == 2000)
  }

  @Test func `a filter is told as it chose, and who it was must be said`() async throws {
    let target = Intervention.Target(reasons: ["provider_failed"], userID: "ana")
    #expect(target.text == "all reason=provider_failed user=ana" && target.count == nil)
    #expect(Intervention.Target(reasons: nil, userID: nil).text == "all")
    let nobody = ActNote(by: "", reason: "", surface: .cli)
    await #expect(throws: LedgerError.self) { try await log.begin(.deadReplay, on: target, nobody) }
    #expect(try await ledger.count("intervention") == 0)
  }
}
