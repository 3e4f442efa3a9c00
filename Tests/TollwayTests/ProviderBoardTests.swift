import Admission
import Billing
import Catalog
import Contracts
import Operations
import Testing

@testable import tollway

struct ProviderBoardTests {
  private let now = Timestamp(milliseconds: 100_000)

  private func breaker(
    _ scope: String, _ reason: BreakerState.Reason, retryIn seconds: Int64 = 7, isProbed: Bool = false
  ) -> (String, BreakerState) {
    let state = BreakerState(
      scope: scope, reason: reason, since: Timestamp(milliseconds: 40_000),
      retryAt: Timestamp(milliseconds: now.milliseconds + seconds * 1000), isProbed: isProbed)
    return (scope, state)
  }

  private func board(_ breakers: [(String, BreakerState)], holds: [ProviderHold] = []) throws -> ProviderBoard {
    var policy = try PolicyFile.read(text: PolicyFile.builtIn).0
    policy.providers = policy.providers.filter { ["openai", "piper", "echo"].contains($0.key) }
    return ProviderBoard(
      policy: policy, breakers: Dictionary(uniqueKeysWithValues: breakers), holds: holds, now: now)
  }

  private func lines(_ board: ProviderBoard) -> [String] {
    board.table.lines(Style(isColoured: false)).dropFirst().map { line in
      line.split(separator: " ").joined(separator: " ")
    }
  }

  @Test func `what Redis says nothing of serves`() throws {
    #expect(
      try lines(board([])) == ["echo echo serving - - -", "openai openai serving - - -", "piper local serving - - -"])
  }

  @Test func `a provider that rests says why, since when, and when it is tried again`() throws {
    let board = try board([breaker("openai", .funds), breaker("piper", .failures, retryIn: -1)])
    let since = "1970-01-01T00:00:40.000Z"
    #expect(
      lines(board) == [
        "echo echo serving - - -", "openai openai resting funds \(since) in 7 s",
        "piper local resting failures \(since) due",
      ])
    #expect(board.rows[1].nextProbe == "1970-01-01T00:01:47.000Z")
  }

  @Test func `while one job tries, nobody else may`() throws {
    let row = try #require(
      try board([breaker("openai", .failures, isProbed: true)]).rows.first { $0.provider == "openai" })
    #expect(row.state == .probing && row.nextProbe == nil)
  }

  @Test func `models that rest by themselves stand behind their provider`() throws {
    let board = try board([breaker("openai/a/b", .gone), breaker("openai/a", .gone)])
    #expect(
      board.rows.map { "\($0.provider) \($0.model ?? "-") \($0.state)" } == [
        "echo - serving", "openai - serving", "openai a resting", "openai a/b resting", "piper - serving",
      ])
    #expect(lines(board)[2].hasPrefix("openai/a openai resting gone"))
  }

  @Test func `a held provider names who holds it since when, and is never tried`() throws {
    let hold = ProviderHold(provider: "openai", since: Timestamp(milliseconds: 5000), by: "ana", reason: "dispute")
    let board = try board([breaker("openai", .hand)], holds: [hold])
    #expect(lines(board)[1] == "openai openai held by ana: dispute 1970-01-01T00:00:05.000Z -")
    #expect(board.rows[1].nextProbe == nil && board.rows[1].note == "dispute")
    #expect(board.differing.isEmpty)
  }

  @Test func `where ledger and Redis do not agree it says which command mends it`() throws {
    let hold = ProviderHold(provider: "gone", since: now, by: "ana", reason: "")
    let board = try board([breaker("piper", .hand)], holds: [hold])
    #expect(board.rows.first { $0.provider == "gone" }?.kind == nil)
    #expect(
      board.differing == [
        "gone is held by the ledger but not in Redis: tollway providers hold gone mends it",
        "piper is held in Redis but not by the ledger: tollway providers release piper mends it",
      ])
  }

  @Test func `doctor says of each reason what to do`() {
    for reason in BreakerState.Reason.allCases {
      var checkup = Checkup()
      RoutingChecks.judge(breaker("openai", reason).1, now, &checkup)
      #expect(checkup.failure == nil && checkup.count(.warning) == 1)
      let finding = checkup.findings[0]
      #expect(finding.subject == "openai" && finding.message.contains("since 1970-01-01T00:00:40.000Z"))
      let isOurs = [.account, .funds, .gone, .hand].contains(reason)
      #expect(finding.remedy?.contains("tollway providers release openai") == isOurs)
    }
  }

  @Test func `doctor names a freeze that is on`() throws {
    let policy = try PolicyFile.read(text: PolicyFile.builtIn).0
    var checkup = Checkup()
    RoutingChecks.judge(Freeze(of: policy, id: "f", since: now, by: "ana", reason: "bad voices"), &checkup)
    #expect(
      checkup.findings[0].message
        == "on since 1970-01-01T00:01:40.000Z by ana (bad voices): \(policy.models.count) versions are held")
  }
}
