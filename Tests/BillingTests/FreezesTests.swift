import Catalog
import Contracts
import Synchronization
import Testing

@testable import Billing

@Suite(.onEachStore) struct FreezesTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let freezes: Freezes

  init() async throws {
    place = try await TestLedger()
    let seconds = Mutex<Int64>(0)
    // A second passes with every look at the clock.
    ledger = try place.open {
      seconds.withLock {
        $0 += 1
        return Timestamp(milliseconds: $0 * 1000)
      }
    }
    freezes = Freezes(in: ledger)
  }

  private func begin(by: String = "ana", reason: String = "bad voices") async throws -> (freeze: Freeze, isNew: Bool) {
    try await freezes.begin(with: builtInPolicy, by: by, reason: reason)
  }

  @Test func `a new ledger is not frozen, and ending that changes nothing`() async throws {
    #expect(try await freezes.current() == nil)
    #expect(try await freezes.end(by: "ana", reason: "") == nil)
    #expect(try await ledger.count(#""freeze""#) == 0)
  }

  @Test func `a freeze is found again with all that it holds, by another process too`() async throws {
    let (freeze, isNew) = try await begin()
    #expect(isNew)
    #expect(freeze.by == "ana" && freeze.reason == "bad voices" && freeze.since == Timestamp(milliseconds: 1000))
    #expect(freeze.models == builtInPolicy.models)
    #expect(try await freezes.current() == freeze)
    #expect(try await Freezes(in: try place.open()).current() == freeze)
  }

  @Test func `freezing what is frozen keeps the first freeze`() async throws {
    let first = try await begin().freeze
    var policy = builtInPolicy
    policy.models.removeLast()
    let (second, isNew) = try await freezes.begin(with: policy, by: "eve", reason: "")
    #expect(!isNew && second == first)
    #expect(try await ledger.count(#""freeze""#) == 1)
  }

  @Test func `an end says what was on and when it ended, and the next freeze is another one`() async throws {
    let first = try await begin().freeze
    let ended = try #require(try await freezes.end(by: "bob", reason: "mended"))
    #expect(ended.freeze == first && ended.at == Timestamp(milliseconds: 2000))
    #expect(try await freezes.current() == nil)
    let second = try await begin(by: "eve").freeze
    #expect(second.id != first.id)
    let changes = try await freezes.changes(limit: 10)
    #expect(changes.map(\.state) == [.on, .off, .on])
    #expect(changes.map(\.changedBy) == ["eve", "bob", "ana"])
    #expect(changes.map(\.freezeID) == [second.id, first.id, first.id])
    #expect(try await freezes.changes(limit: 1) == [changes[0]])
  }

  @Test func `two that freeze at once agree on one freeze`() async throws {
    let other = Freezes(in: try place.open())
    async let mine = begin()
    async let theirs = other.begin(with: builtInPolicy, by: "eve", reason: "")
    let both = try await (mine, theirs)
    #expect(both.0.freeze == both.1.freeze)
    #expect(both.0.isNew != both.1.isNew)
  }

  @Test func `without a name, or with a long story, nothing is written`() async throws {
    for (by, reason) in [("", ""), ("ana", String(repeating: "x", count: 1025))] {
      let refused = await #expect(throws: LedgerError.self) { try await begin(by: by, reason: reason) }
      #expect(refused?.code == .refused)
      await #expect(throws: LedgerError.self) { try await freezes.end(by: by, reason: reason) }
    }
    #expect(try await ledger.count(#""freeze""#) == 0)
  }

  @Test func `rows of the history cannot be changed or removed`() async throws {
    _ = try await begin()
    for sql in ["UPDATE \"freeze\" SET state = 'off', versions = NULL", "DELETE FROM \"freeze\""] {
      await #expect(throws: LedgerError.self) { try await ledger.execute(sql) }
    }
  }

  @Test func `a row that holds no freeze is a damage, not the absence of a freeze`() async throws {
    try await ledger.execute(
      """
      INSERT INTO "freeze" (freeze_id, state, changed_at, changed_by, reason, versions)
      VALUES ('f', 'on', '2026-11-22T00:00:00.000Z', 'ana', '', '{}')
      """)
    let error = await #expect(throws: LedgerError.self) { try await freezes.current() }
    #expect(error?.code == .corrupt)
  }
}
