import Catalog
import Contracts
import Testing

/// What a policy file may leave out of the four tiers that every fleet knows.
@Suite struct PolicyStandardTiersTests {
  /// One tier, and names of the three others.
  private let short = """
    version: 1
    default_tier: FREE
    aliases: {tier1: FREE, tier2: PRO, tier3: BUSINESS, tier4: ENTERPRISE}
    tiers:
      PRO:
        model_policy: {providers: {tts: [espeak], echo: [echo]}}
        cost_caps: {monthlyUsd: 50, hardStop: True}
    providers:
      espeak: {kind: espeak}
      echo: {kind: echo}
    models:
      - {provider: espeak, task: tts, model: espeak-ng, verified: true}
      - {provider: echo, task: echo, model: echo, verified: true}
    """

  @Test func `tiers that are named and left out are those of the policy built in, with the providers that there are`()
    throws
  {
    let (policy, notices) = try PolicyFile.read(text: short)
    #expect(policy.tiers.keys.sorted() == ["BUSINESS", "ENTERPRISE", "FREE", "PRO"])
    #expect(policy.defaultTier == "FREE" && policy.tiers["FREE"]?.concurrency == 2)
    #expect(policy.tiers["ENTERPRISE"]?.concurrency == 20 && policy.tiers["ENTERPRISE"]?.lane == .critical)
    #expect(policy.tiers["FREE"]?.providers[.tts] == ["espeak"])
    let names = policy.tiers.values.flatMap { $0.providers.values.joined() }
    #expect(Set(names) == ["espeak", "echo"])
    #expect(
      notices.map(\.description).filter { $0.contains("left out") || $0.contains("leaves out") }.count == 3,
      "each is said")
  }

  @Test func `a provider that has one model need not list it`() throws {
    let unlisted = short.replacing("  - {provider: echo, task: echo, model: echo, verified: true}", with: "")
    let (policy, notices) = try PolicyFile.read(text: unlisted)
    #expect(policy.models.map(\.model).sorted() == ["echo", "espeak-ng"])
    #expect(!notices.contains { $0.description.contains("echo, which has no") })
  }

  @Test func `the lanes of the four are known, and those of others have to be said`() throws {
    let (policy, _) = try PolicyFile.read(text: short)
    #expect(policy.tiers["PRO"]?.lane == .standard && policy.tiers["PRO"]?.costCap?.isHard == true)
    #expect(policy.tiers["PRO"]?.concurrency == TierPolicy.unlimitedConcurrency, "an omitted limit is none")
    #expect(throws: FileFault.self) {
      try PolicyFile.read(text: short.replacing("  PRO:\n", with: "  GOLD:\n").replacing("tier2: PRO", with: "t: GOLD"))
    }
  }
}
