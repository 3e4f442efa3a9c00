import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct QuarantineTests {
  private let place: TestLedger
  private let ledger: Ledger
  private static let time = Timestamp(milliseconds: 1_790_000_065_000)

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open { Self.time }
  }

  private func told() async throws -> [String] {
    try await ledger.unsentAlerts(limit: 10).map(\.id)
  }

  /// What cannot be booked, one for each reason that needs no millions before it.
  private static let refused: [(String, @Sendable () throws -> [ArrivedEvent])] = [
    ("conflict", { [try costEvent(nanoUSD: 1).arrived, try costEvent(nanoUSD: 2).arrived] }),
    ("unreadable", { [ArrivedEvent(body: [0x7B])] }),
    ("out of range", { [try costEvent(nanoUSD: 1_000_000_000_000_001).arrived] }),
  ]

  @Test(arguments: 0..<refused.count)
  func `whatever is quarantined is told in the transaction that quarantines it`(index: Int) async throws {
    _ = try await ledger.record(try Self.refused[index].1())
    #expect(try await told() == ["fleet/2026-09-21T14:14:25.000Z/ledger_quarantine/100"])
    let condition = Condition(.init(.ledgerQuarantine, .fleet), since: Self.time)
    #expect(try await ledger.conditions() == [condition])
    // Whoever watches finds it there.
    #expect(try await ledger.raise(Condition(condition.key, since: wallClock()), nil) == condition)
    #expect(try await told().count == 1)
  }

  @Test func `a sum that can hold no more is told as well`() async throws {
    let most = LedgerEntry.maximumAmount.nanoUSD
    for batch in 0..<5 {
      _ = try await ledger.record(
        try (0..<1000).map { try costEvent(job: "j\(batch)-\($0)", nanoUSD: most, usage: []).arrived })
    }
    #expect(try await ledger.quarantine(limit: 1)[0].reason == "the fleet's sum of the month is out of range")
    #expect(try await told().contains { $0.hasSuffix("/ledger_quarantine/100") })
  }

  @Test func `more of them, and the same ones again, are told no second time until it was over`() async throws {
    let events = [try costEvent(nanoUSD: 1).arrived, try costEvent(nanoUSD: 2).arrived]
    _ = try await ledger.record(events)
    _ = try await ledger.record(events + [try costEvent(nanoUSD: 3).arrived])
    #expect(try await told().count == 1)
    try await ledger.recover(.init(.ledgerQuarantine, .fleet))
    let later = try place.open { Timestamp(milliseconds: Self.time.milliseconds + 1) }
    _ = try await later.record(events)
    #expect(try await told().count == 2)  // the alert and its note
    _ = try await later.record([ArrivedEvent(body: [0x7B])])
    #expect(try await told().count == 3)
  }

  @Test func `what can be booked tells nothing`() async throws {
    _ = try await ledger.record([try costEvent().arrived, try costEvent().arrived])
    #expect(try await told().isEmpty)
    #expect(try await ledger.quarantine(limit: 10).isEmpty)
  }

  @Test func `the newest come first, with what they claim to be and never with their text`() async throws {
    _ = try await ledger.record([ArrivedEvent(body: Array("{secret".utf8)), try costEvent(nanoUSD: 1).arrived])
    let other = try costEvent(nanoUSD: 2).encoded()
    _ = try await ledger.record([ArrivedEvent(body: other)])
    let found = try await ledger.quarantine(limit: 10)
    #expect(found.map(\.eventID) == ["j1/r1/1", nil])
    #expect(found.map(\.bytes) == [other.count, 7])
    #expect(found[0].reason == "conflict: another event is recorded under this id")
    #expect(found.allSatisfy { $0.receivedAt == Self.time && !$0.reason.contains("secret") })
    #expect(try await ledger.quarantine(limit: 1) == [found[0]])
  }
}
