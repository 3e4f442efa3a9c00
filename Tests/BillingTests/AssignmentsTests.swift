import Contracts
import Foundation
import Synchronization
import Testing

@testable import Billing

@Suite(.onEachStore) struct AssignmentsTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let assignments: Assignments

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open { Timestamp(milliseconds: 1_790_000_000_123) }
    assignments = Assignments(in: ledger)
  }

  @Test func `an assignment is found again with all it grants`() async throws {
    let overrides = UserOverrides(
      concurrency: 7, monthlyUsd: Money("12.5"), hardStop: true, quotas: .init(tokens: 100, videoMinutes: 3),
      rateLimit: .init(rpm: 60, burst: 4))
    let made = try await assignments.assign("anna", tier: "tier3", overrides: overrides, by: "root", reason: "pilot")
    #expect(try await assignments.assignment(of: "anna") == made)
    #expect(made.changedAt == Timestamp(milliseconds: 1_790_000_000_123))
    #expect(
      try await ledger.texts("SELECT overrides FROM user_assignment") == [
        #"{"concurrency":7,"hardStop":true,"monthlyUsd":"12.500000000000","quotas":{"tokens":100,"video_minutes":3},"#
          + #""rateLimit":{"burst":4,"rpm":60}}"#
      ])
  }

  @Test func `a second assignment replaces the first, and the audit keeps both`() async throws {
    try await assignments.assign("anna", tier: "PRO", overrides: .none, by: "root", reason: "paid")
    try await assignments.assign(
      "anna", tier: nil, overrides: UserOverrides(concurrency: 1), by: "eve", reason: "abuse")
    #expect(try await assignments.unassign("anna", by: "root", reason: "settled"))
    #expect(try await assignments.assignment(of: "anna") == nil)
    let changes = try await assignments.changes(of: "anna")
    let paid = AssignmentChange.Grant(tier: "PRO", overrides: .none)
    let slowed = AssignmentChange.Grant(tier: nil, overrides: UserOverrides(concurrency: 1))
    #expect(changes.map(\.changedBy) == ["root", "eve", "root"])
    #expect(changes.map(\.reason) == ["settled", "abuse", "paid"])
    #expect(changes.map(\.before) == [slowed, paid, nil])
    #expect(changes.map(\.after) == [nil, slowed, paid])
  }

  @Test func `what was changed since somebody looked is not replaced unseen`() async throws {
    let time = Mutex<Int64>(1_790_000_000_000)
    let ledger = try place.open {
      Timestamp(
        milliseconds: time.withLock { time in
          time += 1
          return time
        })
    }
    let assignments = Assignments(in: ledger)
    func assign(_ concurrency: Int, over shown: Timestamp?) async throws -> Assignment? {
      try await assignments.assign(
        "anna", over: shown, tier: nil, overrides: UserOverrides(concurrency: concurrency), by: "eve", reason: "")
    }
    let first = try #require(try await assign(1, over: nil))
    #expect(try await assign(2, over: nil) == nil)
    let second = try #require(try await assign(3, over: first.changedAt))
    #expect(try await assign(4, over: first.changedAt) == nil)
    #expect(try await assignments.assignment(of: "anna") == second)
    #expect(try await assignments.unassign("anna", by: "root", reason: ""))
    #expect(try await assign(5, over: second.changedAt) == nil)
    #expect(try await assignments.assignment(of: "anna") == nil)
    #expect(try await assignments.changes(of: "anna").map(\.after?.overrides.concurrency) == [nil, 3, 1])
  }

  @Test func `what was changed since somebody looked is not taken back unseen`() async throws {
    let time = Mutex<Int64>(1_790_000_000_000)
    let ledger = try place.open {
      Timestamp(
        milliseconds: time.withLock { time in
          time += 1
          return time
        })
    }
    let assignments = Assignments(in: ledger)
    func takeBack(_ shown: Timestamp?) async throws -> Assignments.TakingBack {
      try await assignments.unassign("anna", over: shown, by: "eve", reason: "")
    }
    #expect(try await takeBack(nil) == .nothing)
    let first = try await assignments.assign("anna", tier: "PRO", overrides: .none, by: "root", reason: "")
    let second = try await assignments.assign(
      "anna", tier: nil, overrides: UserOverrides(concurrency: 1), by: "ben", reason: "")
    for old in [nil, first.changedAt] { #expect(try await takeBack(old) == .changedSince) }
    #expect(try await assignments.assignment(of: "anna") == second)
    #expect(try await assignments.changes(of: "anna").map(\.changedBy) == ["ben", "root"])
    #expect(try await takeBack(second.changedAt) == .takenBack)
    #expect(try await assignments.assignment(of: "anna") == nil)
    #expect(try await takeBack(second.changedAt) == .nothing)
    #expect(try await assignments.changes(of: "anna").map(\.changedBy) == ["eve", "ben", "root"])
  }

  @Test func `taking back what was never laid down says so and leaves no trace`() async throws {
    #expect(try await !assignments.unassign("nobody", by: "root", reason: ""))
    #expect(try await ledger.count("assignment_audit") == 0)
  }

  @Test func `the list is in the order of the users`() async throws {
    for user in ["carl", "anna", "bert"] {
      try await assignments.assign(user, tier: "PRO", overrides: .none, by: "root", reason: "")
    }
    #expect(try await assignments.list().map(\.userID) == ["anna", "bert", "carl"])
  }

  @Test func `values that no limit can have are refused and nothing is written`() async throws {
    let refused: [(String, String?, UserOverrides, String)] = [
      ("bad user", "PRO", .none, "root"), ("anna", "no tier\n", .none, "root"), ("anna", nil, .none, ""),
      ("anna", nil, UserOverrides(concurrency: 0), "root"),
      ("anna", nil, UserOverrides(monthlyUsd: Money(nanoUSD: -1)), "root"),
      ("anna", nil, UserOverrides(quotas: .init(jobs: -1)), "root"),
      ("anna", nil, UserOverrides(monthlyUsd: Money("9000000.1")), "root"),
      ("anna", nil, UserOverrides(quotas: .init(videoMinutes: 100_000_000_001)), "root"),
      ("anna", nil, UserOverrides(rateLimit: .init(rps: 0)), "root"),
      ("anna", nil, .none, String(repeating: "x", count: 1025)),
    ]
    for (user, tier, overrides, by) in refused {
      let error = await #expect(throws: LedgerError.self) {
        try await assignments.assign(user, tier: tier, overrides: overrides, by: by, reason: "")
      }
      #expect(error?.code == .refused)
    }
    #expect(try await ledger.count("user_assignment") == 0)
    #expect(try await ledger.count("assignment_audit") == 0)
  }

  @Test func `admission reads all that is laid down`() async throws {
    let overrides = UserOverrides(
      concurrency: 7, monthlyUsd: Money("12.5"), hardStop: false,
      quotas: .init(tokens: 1, audioSeconds: 2, videoMinutes: 3, jobs: 4), rateLimit: .init(rpm: 5, rps: 6, burst: 7))
    let made = try await assignments.assign("anna", tier: "tier3", overrides: overrides, by: "root", reason: "")
    #expect(
      made.entitlement
        == Entitlement(
          tier: "tier3", concurrency: 7, monthlyCap: Money("12.5"), hardStop: false,
          quotas: .init(tokens: 1, audioSeconds: 2, videoMinutes: 3, jobs: 4),
          rate: .init(perMinute: 5, perSecond: 6, burst: 7)))
  }

  @Test func `lines of the audit cannot be changed or removed`() async throws {
    try await assignments.assign("anna", tier: "PRO", overrides: .none, by: "root", reason: "")
    for sql in ["UPDATE assignment_audit SET changed_by = 'eve'", "DELETE FROM assignment_audit"] {
      await #expect(throws: LedgerError.self) { try await ledger.execute(sql) }
    }
  }
}
