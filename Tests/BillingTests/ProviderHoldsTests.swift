import Contracts
import Testing

@testable import Billing

@Suite(.onEachStore) struct ProviderHoldsTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let holds: ProviderHolds

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open { Timestamp(milliseconds: 1_790_000_000_123) }
    holds = ProviderHolds(in: ledger)
  }

  private func audit() async throws -> [String] {
    try await ledger.texts(
      "SELECT provider || ' ' || change || ' ' || changed_by || ' ' || reason FROM provider_hold_audit ORDER BY number")
  }

  @Test func `a hold is found again, and lists are in the order of the names`() async throws {
    #expect(try await holds.list() == [])
    let (hold, isNew) = try await holds.hold("openai", by: "ana", reason: "invoice dispute")
    _ = try await holds.hold("anthropic", by: "bob", reason: "")
    #expect(isNew)
    #expect(
      hold
        == ProviderHold(
          provider: "openai", since: Timestamp(milliseconds: 1_790_000_000_123), by: "ana", reason: "invoice dispute"))
    #expect(try await holds.list().map(\.provider) == ["anthropic", "openai"])
    #expect(try await holds.list().last == hold)
  }

  @Test func `holding what is held keeps the first hold`() async throws {
    let first = try await holds.hold("openai", by: "ana", reason: "dispute").hold
    let (second, isNew) = try await holds.hold("openai", by: "eve", reason: "")
    #expect(!isNew && second == first)
    #expect(try await audit() == ["openai hold ana dispute"])
  }

  @Test func `a release answers what was held, and the audit keeps both`() async throws {
    let hold = try await holds.hold("openai", by: "ana", reason: "dispute").hold
    #expect(try await holds.release("openai", endsRest: false, by: "bob", reason: "settled") == hold)
    #expect(try await holds.list() == [])
    #expect(try await audit() == ["openai hold ana dispute", "openai release bob settled"])
  }

  @Test func `ending a rest is in the audit, releasing what serves is not`() async throws {
    #expect(try await holds.release("openai", endsRest: false, by: "bob", reason: "") == nil)
    #expect(try await audit() == [])
    #expect(try await holds.release("openai", endsRest: true, by: "bob", reason: "paid") == nil)
    #expect(try await audit() == ["openai end_rest bob paid"])
  }

  @Test func `without a name nothing is written`() async throws {
    await #expect(throws: LedgerError.self) { try await holds.hold("openai", by: "", reason: "") }
    await #expect(throws: LedgerError.self) { try await holds.release("openai", endsRest: true, by: "", reason: "") }
    #expect(try await ledger.count("provider_hold") == 0)
    #expect(try await ledger.count("provider_hold_audit") == 0)
  }

  @Test func `lines of the audit cannot be changed or removed`() async throws {
    _ = try await holds.hold("openai", by: "ana", reason: "")
    for sql in ["UPDATE provider_hold_audit SET changed_by = 'eve'", "DELETE FROM provider_hold_audit"] {
      await #expect(throws: LedgerError.self) { try await ledger.execute(sql) }
    }
  }
}
