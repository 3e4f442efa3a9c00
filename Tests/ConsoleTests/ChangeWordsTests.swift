import Billing
import Contracts
import Foundation
import Testing

@testable import Console

@Suite struct ChangeWordsTests {
  private let everything = AssignmentChange.Grant(
    tier: "PRO",
    overrides: UserOverrides(
      concurrency: 2, monthlyUsd: Money(nanoUSD: 20_500_000_000), hardStop: false,
      quotas: .init(tokens: 500_000, audioSeconds: 60, videoMinutes: 3, jobs: 9),
      rateLimit: .init(rpm: 7, rps: 1, burst: 4)))

  @Test func `what was set is told with what it was before`() {
    let before = AssignmentChange.Grant(tier: "FREE", overrides: UserOverrides(quotas: .init(tokens: 5)))
    let after = AssignmentChange.Grant(
      tier: "FREE", overrides: UserOverrides(quotas: .init(tokens: 500_000), rateLimit: .init(rpm: 7)))
    #expect(
      ChangeWords.difference(before, after)
        == "tokens a month: 5 → 500\u{202F}000; starts a minute: as the tier says → 7")
    #expect(ChangeWords.difference(before, before) == "as it was")
    #expect(ChangeWords.difference(nil, nil) == nil)
  }

  @Test func `no limit that can be set is left out`() throws {
    let told = ChangeWords.difference(nil, everything)?.components(separatedBy: "; ") ?? []
    let own = try JSONSerialization.jsonObject(with: JSONEncoder().encode(everything.overrides))
    #expect(told.count == Self.leaves(own) + 1, "\(told)")
    #expect(told.allSatisfy { $0.contains(" → ") } && told.first == "tier: as messages say → PRO")
  }

  @Test func `every act has words of its own`() {
    let words = AuditEntry.Act.allCases.map { ChangeWords.act($0.rawValue) }
    #expect(Set(words).count == words.count && words.allSatisfy { AuditEntry.Act(rawValue: $0) == nil })
    #expect(ChangeWords.act("tier.rename") == "tier.rename")
  }

  private static func leaves(_ value: Any) -> Int {
    (value as? [String: Any]).map { $0.values.reduce(0) { $0 + leaves($1) } } ?? 1
  }
}
