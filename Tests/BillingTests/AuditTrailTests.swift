import Catalog
import Contracts
import Synchronization
import Testing

@testable import Billing

@Suite(.onEachStore) struct AuditTrailTests {
  private let place: TestLedger
  private let ledger: Ledger

  init() async throws {
    place = try await TestLedger()
    let clock = Mutex<Int64>(1_790_000_000_000)
    ledger = try place.open {
      clock.withLock { time in
        time += 1000
        return Timestamp(milliseconds: time)
      }
    }
  }

  @Test func `changes of every kind stand in one list, newest first`() async throws {
    let (key, _) = APIKey.make(name: "studio", scopes: [.read], users: .everybody)
    let (holds, freezes, assignments) = (ProviderHolds(in: ledger), Freezes(in: ledger), Assignments(in: ledger))
    _ = try await holds.hold("echo", by: "ana", reason: "slow")
    try await assignments.assign(
      "u1", tier: "PRO", overrides: UserOverrides(concurrency: 3), by: "ben", reason: "contract")
    _ = try await Keys(in: ledger).add(key, by: "root", reason: "pilot")
    _ = try await freezes.begin(with: try PolicyFile.read(text: PolicyFile.builtIn).0, by: "cy", reason: "launch")
    _ = try await assignments.unassign("u1", by: "ben", reason: "over")
    _ = try await holds.release("echo", endsRest: true, by: "ana", reason: "fast")
    _ = try await freezes.end(by: "cy", reason: "done")
    _ = try await InterventionLog(in: ledger).begin(
      .deadReplay, on: Intervention.Target(ids: ["a"]), ActNote(by: "root", reason: "again", surface: .cli))
    let trail = try await ledger.auditTrail(limit: 100)
    #expect(
      trail.map { "\($0.act) \($0.target) \($0.by) \($0.reason)" } == [
        "dead.replay a root again", "freeze.off  cy done", "provider.end_rest echo ana fast",
        "provider.release echo ana fast", "user.unassign u1 ben over", "freeze.on  cy launch",
        "key.create \(key.id) root pilot", "user.assign u1 ben contract", "provider.hold echo ana slow",
      ])
    let grant = AssignmentChange.Grant(tier: "PRO", overrides: UserOverrides(concurrency: 3))
    #expect(trail[4].before == grant && trail[4].after == nil && trail[7].before == nil && trail[7].after == grant)
    #expect(try await ledger.auditTrail(limit: 3) == Array(trail.prefix(3)))
  }

  @Test func `an act that a newer release wrote is told by its own word`() async throws {
    try await ledger.execute(
      """
      INSERT INTO intervention (changed_at, changed_by, surface, act, target, reason)
      VALUES ('2026-11-22T10:00:00.000Z', 'ana', 'cli', 'tier.rename', 'PRO', 'clearer')
      """)
    #expect(try await ledger.auditTrail(limit: 10).map { "\($0.act) \($0.target)" } == ["tier.rename PRO"])
  }

  @Test func `users are listed a page at a time`() async throws {
    let assignments = Assignments(in: ledger)
    for user in ["b", "a", "c"] {
      try await assignments.assign(user, tier: "PRO", overrides: .none, by: "root", reason: "")
    }
    let first = try await assignments.list(limit: 2, after: nil)
    #expect(first.assignments.map(\.userID) == ["a", "b"] && !first.isAll)
    let second = try await assignments.list(limit: 2, after: "b")
    #expect(second.assignments.map(\.userID) == ["c"] && second.isAll)
  }
}
