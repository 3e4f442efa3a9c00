import Contracts
import Foundation
import Testing

@testable import Billing

@Suite(.onEachStore) struct LedgerTests {
  private let place: TestLedger
  private let ledger: Ledger

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open()
  }

  @Test func `an event becomes one row with the contract's columns`() async throws {
    let event = try costEvent(usage: [Usage(.characters, ExactDecimal(66), .provider)])
    let outcomes = try await ledger.record([event.arrived])
    #expect(outcomes == [.inserted(row: 1, occurredAt: event.time)])
    let found = try await ledger.database.read { try $0.row("SELECT * FROM usage_cost", []) }
    let row = try #require(found)
    #expect(
      row.places.keys.sorted() == [
        "amount_nano_usd", "attempt", "basis", "billing_period", "charge_period", "corrects", "event_id", "job_id",
        "model",
        "model_version", "occurred_at", "outcome", "output", "price_id", "provider", "recorded_at", "row_number", "run",
        "series_id", "task_type", "tier", "usage", "user_id",
      ])
    #expect(row["event_id"] == .text("j1/r1/1"))
    #expect(row["amount_nano_usd"] == .integer(61_700_000))
    #expect(row["usage"] == .text(#"[{"unit":"characters","quantity":"66","source":"provider"}]"#))
    #expect(row["occurred_at"] == .text("2026-11-21T10:15:30.123Z"))
    #expect(row["model_version"] == .null)
  }

  @Test func `events a hundred times in shuffled parallel batches are one row each, charged once`() async throws {
    let events = try randomEvents(40, seed: 1)
    var random = SplitMix(state: 2)
    let deliveries = (0..<100).flatMap { _ in events }.shuffled(using: &random).map(\.arrived)
    let batches = stride(from: 0, to: deliveries.count, by: 250).map { Array(deliveries[$0..<$0 + 250]) }
    let outcomes = try await withThrowingTaskGroup(of: [RecordOutcome].self) { group in
      for batch in batches { group.addTask { [ledger] in try await ledger.record(batch) } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(outcomes.count { if case .inserted = $0 { true } else { false } } == 40)
    #expect(outcomes.count { $0 == .duplicate } == 99 * 40)
    #expect(try await ledger.count("usage_cost") == 40)
    #expect(try await ledger.count("quarantined_event") == 0)
    try await expectMonths(toEqual: events)
  }

  @Test func `an id with another amount is quarantined and changes no sum`() async throws {
    let outcomes = try await ledger.record([
      try costEvent(nanoUSD: 5).arrived, try costEvent(nanoUSD: 6).arrived, try costEvent(nanoUSD: 5).arrived,
    ])
    #expect(outcomes[1] == .conflict(eventID: "j1/r1/1"))
    #expect(outcomes[2] == .duplicate)
    #expect(try await ledger.userMonth(of: "anna", period: "2026-11")?.amount == Money(nanoUSD: 5))
    #expect(
      try await ledger.texts("SELECT event_id || ' ' || reason FROM quarantined_event")
        == ["j1/r1/1 conflict: another event is recorded under this id"])
  }

  @Test(arguments: ["user", "tier", "outcome", "usage", "time", "period", "provider"])
  func `an id with another value in any column is a conflict`(column: String) async throws {
    _ = try await ledger.record([try costEvent().arrived])
    let other =
      switch column {
      case "user": try costEvent(user: "bert")
      case "tier": try costEvent(tier: "FREE")
      case "outcome": try costEvent(outcome: .unknown)
      case "usage": try costEvent(usage: [])
      case "time": try costEvent(time: "2026-11-21T10:15:30.124Z")
      case "period": try costEvent(period: "2026-12")
      default: try costEvent(provider: "espeak")
      }
    #expect(try await ledger.record([other.arrived]) == [.conflict(eventID: "j1/r1/1")])
    #expect(try await ledger.count("user_month") == 1)
  }

  @Test func `the same event in another spelling of JSON is a duplicate`() async throws {
    let event = try costEvent()
    _ = try await ledger.record([event.arrived])
    let object = try JSONSerialization.jsonObject(with: Data(event.encoded()))
    let spaced = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
    #expect(try await ledger.record([ArrivedEvent(body: Array(spaced))]) == [.duplicate])
  }

  @Test func `what is no cost event is kept once with a reason and does not stop its neighbours`() async throws {
    let good = try costEvent()
    let bad = ArrivedEvent(body: Array(#"{"specversion":"1.0","id":"x/y/1","type":"something.else"}"#.utf8))
    for _ in 0..<3 {
      let outcomes = try await ledger.record([bad, good.arrived, ArrivedEvent(body: Array("{nonsense".utf8))])
      #expect(outcomes[0] == .quarantined(reason: "type: not dev.tollway.cost.recorded.v1"))
      #expect(outcomes[2] == .quarantined(reason: "not valid JSON: member name expected at byte 1"))
    }
    #expect(try await ledger.count("usage_cost") == 1)
    #expect(
      try await ledger.texts("SELECT coalesce(event_id, '-') FROM quarantined_event ORDER BY number") == ["x/y/1", "-"])
  }

  @Test func `of a huge body only the beginning is kept`() async throws {
    _ = try await ledger.record([ArrivedEvent(body: Array(repeating: UInt8(ascii: "x"), count: 1_000_000))])
    #expect(
      try await ledger.texts("SELECT length(body) || '/' || body_bytes FROM quarantined_event") == ["16384/1000000"])
  }

  @Test func `figures beyond all reason are quarantined before they can spoil a sum`() async throws {
    let outcomes = try await ledger.record([
      try costEvent(job: "a", nanoUSD: 1_000_000_000_000_001).arrived,
      try costEvent(job: "b", usage: [Usage(.characters, try decimal("1000000000001"), .provider)]).arrived,
      try costEvent(job: "c", tier: String(repeating: "T", count: 600)).arrived,
      try costEvent(job: "d", provider: "pi\u{1b}[2Jper").arrived,
    ])
    #expect(
      outcomes == [
        .quarantined(reason: "cost.amount: out of range"), .quarantined(reason: "usage.quantity: out of range"),
        .quarantined(reason: "data: a text is longer than 512 bytes or has control characters"),
        .quarantined(reason: "data: a text is longer than 512 bytes or has control characters"),
      ])
    #expect(try await ledger.count("usage_cost") == 0)
  }

  @Test func `a balance that can hold no more quarantines what is too much and books the rest`() async throws {
    // Each of the largest amount; the users' own months are far from full.
    let most = LedgerEntry.maximumAmount.nanoUSD
    let events = try (0..<4700).map { try costEvent(job: "j\($0)", user: "u\($0 % 50)", nanoUSD: most, usage: []) }
    var refused = 0
    for start in stride(from: 0, to: events.count, by: 500) {
      let outcomes = try await ledger.record(events[start..<min(start + 500, events.count)].map(\.arrived))
      refused += outcomes.count { $0 == .quarantined(reason: "the fleet's sum of the month is out of range") }
    }
    let rows = try await ledger.count("usage_cost")
    #expect(rows + refused == events.count && refused > 0 && rows > 4000)
    #expect(
      try await ledger.record([try costEvent(job: "small", nanoUSD: 1, usage: [], period: "2026-12").arrived])[0]
        != .duplicate)
    #expect(try await ledger.texts("SELECT scope FROM balance WHERE charge_period = '2026-12'").count == 3)
    #expect(try await ledger.record([events[0].arrived]) == [.duplicate])
  }

  @Test func `a correction adds its signed difference and is neither a job nor an attempt`() async throws {
    let original = try costEvent(nanoUSD: 100, usage: [Usage(.audioSeconds, try decimal("3.936"), .measured)])
    let correction = try costEvent(
      nanoUSD: -40, usage: [Usage(.audioSeconds, try decimal("-0.937"), .measured)], corrects: original.id,
      correction: 0)
    _ = try await ledger.record([correction.arrived, original.arrived])
    let month = try #require(try await ledger.userMonth(of: "anna", period: "2026-11"))
    #expect(month.amount == Money(nanoUSD: 60))
    #expect(month.jobs == 1)
    #expect(month.units[.audioSeconds]?.description == "2.999")
    let report = try await ledger.report(LedgerQuery(by: .user))
    #expect(report.total.attempts == 1)
    #expect(report.total.jobs == 1)
  }

  @Test func `a run with several attempts is one job, a second run of the job another`() async throws {
    _ = try await ledger.record([
      try costEvent(run: "r1.5").arrived, try costEvent(run: "r10").arrived, try costEvent(attempt: 1).arrived,
      try costEvent(attempt: 2).arrived, try costEvent(job: "j", run: "1").arrived,
    ])
    #expect(try await ledger.userMonth(of: "anna", period: "2026-11")?.jobs == 4)
    #expect(try await ledger.report(LedgerQuery(by: .tier)).rows.map(\.jobs) == [4])
  }

  @Test func `row numbers rise with every row`() async throws {
    var rows: [Int64] = []
    for event in try randomEvents(30, seed: 3) {
      for outcome in try await ledger.record([event.arrived, event.arrived]) {
        if case .inserted(let row, _) = outcome { rows.append(row) }
      }
    }
    // A server may leave numbers out.
    #expect(rows.count == 30 && rows == rows.sorted() && Set(rows).count == 30)
    if case .sqlite = Store.current { #expect(rows == Array(1...30)) }
  }

  @Test func `rows cannot be changed or removed`() async throws {
    _ = try await ledger.record([try costEvent().arrived])
    for sql in ["UPDATE usage_cost SET amount_nano_usd = 0", "DELETE FROM usage_cost"] {
      await #expect(throws: LedgerError.self) { try await ledger.execute(sql) }
    }
    #expect(try await ledger.texts("SELECT amount_nano_usd FROM usage_cost") == ["61700000"])
  }

  /// Compares `user_month` with sums made here, event by event.
  private func expectMonths(toEqual events: [CostEvent]) async throws {
    for (user, ofUser) in Dictionary(grouping: events, by: \.userID) {
      for (period, ofMonth) in Dictionary(grouping: ofUser, by: \.chargePeriod) {
        let month = try #require(try await ledger.userMonth(of: user, period: period))
        #expect(month.amount == ofMonth.reduce(.zero) { $0 + $1.cost.amount })
        #expect(month.jobs == Set(ofMonth.map { $0.jobID + "/" + $0.run }).count)
        for unit in Usage.Unit.allCases {
          let sum = ofMonth.flatMap(\.usage).filter { $0.unit == unit }.reduce(.zero) { $0 + $1.quantity }
          #expect((month.units[unit] ?? .zero).description == sum.description)
        }
      }
    }
  }
}
