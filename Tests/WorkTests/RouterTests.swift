import Catalog
import Contracts
import TestKit
import Testing

@testable import Work

/// What a policy offers a job, over policies, model lists and users that chance makes up.
@Suite struct RouterTests {
  private static let versions = ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0", "3.0.0"]

  private struct World {
    var random: SplitMix64
    var policy: Policy
    var tier: TierPolicy

    init(seed: UInt64) {
      var random = SplitMix64(seed: seed)
      let names = ["a", "b", "c"]
      var models: [ModelListing] = []
      for name in names {
        for model in ["m", "n"] where Bool.random(using: &random) {
          for version in RouterTests.versions where Bool.random(using: &random) {
            models.append(
              ModelListing(
                provider: name, task: .llm, model: model, version: version,
                stage: ModelListing.Stage.allCases.randomElement(using: &random) ?? .stable,
                verified: Bool.random(using: &random)))
          }
        }
      }
      models.shuffle(using: &random)
      let trials = models.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }.map {
        Canary(
          id: "\($0.provider)/\($0.model)/\($0.version ?? "")", provider: $0.provider, task: .llm, model: $0.model,
          version: $0.version ?? "", percent: Int.random(in: 0...100, using: &random))
      }
      let pins = names.filter { _ in Bool.random(using: &random) }.map {
        TierPolicy.Pin(provider: $0, model: "m", version: RouterTests.versions.randomElement(using: &random))
      }
      tier = TierPolicy(
        code: "T", lane: .low, batchSize: 1,
        routing: TierPolicy.Routing.allCases.randomElement(using: &random) ?? .latest,
        canary: Bool.random(using: &random), pinned: [.llm: pins], providers: [.llm: names.shuffled(using: &random)],
        monthly: MonthlyQuotas(), concurrency: 1, rate: nil, costCap: nil,
        showsBetaModels: Bool.random(using: &random), allowsUnverifiedModels: Bool.random(using: &random))
      policy = Policy(
        defaultTier: "T", trustsMessageTier: true, aliases: [:], tiers: ["T": tier],
        providers: Dictionary(uniqueKeysWithValues: names.map { ($0, RouterTests.definition($0)) }), models: models,
        canaries: trials, plainHTTPHosts: [])
      self.random = random
    }
  }

  private static func definition(_ name: String) -> ProviderDefinition {
    ProviderDefinition(
      name: name, kind: .openai, baseURL: nil, apiKeyVariable: nil, apiKeyFile: nil, timeout: .seconds(1), command: [],
      isolation: .shared)
  }

  private static func job(_ user: String, model: String? = nil) throws -> Job {
    let wish = model.map { #","model":"\#($0)""# } ?? ""
    let text = #"{"id":"j","userId":"\#(user)","taskType":"llm","payload":{"prompt":"x"}\#(wish)}"#
    guard case .job(let job) = JobMessage.decode(Array(text.utf8), messageID: nil) else { throw NoJob() }
    return job
  }

  private struct NoJob: Error {}

  private func listing(_ choice: Router.Choice, _ policy: Policy) -> ModelListing? {
    policy.models.first {
      $0.provider == choice.provider.name && $0.model == choice.model && $0.version == choice.version
    }
  }

  @Test func `10,000 policies: pins hold, what is hidden stays hidden, a user stays on one side of a trial`() throws {
    let first = try Self.job("u1")
    var inCohort = 0
    for seed in 0..<10_000 as Range<UInt64> {
      let world = World(seed: seed)
      let (tier, policy) = (world.tier, world.policy)
      let router = Router(policy: policy)
      for number in 0..<3 {
        let job = number == 0 ? first : try Self.job("user-\(number)-\(seed % 97)")
        var skips: [RouteSkip] = []
        let choices = router.choices(for: job, tier, &skips)
        var again: [RouteSkip] = []
        #expect(Router(policy: policy).choices(for: job, tier, &again) == choices, "seed \(seed)")
        for choice in choices {
          let found = listing(choice, policy)
          if tier.routing == .pinned {
            let pin = tier.pinned[.llm]?.first { $0.provider == choice.provider.name }
            #expect(pin?.model == choice.model && pin?.version == choice.version, "seed \(seed)")
            let isListed = policy.models.contains { $0.provider == choice.provider.name && $0.model == choice.model }
            #expect(found != nil || !isListed, "seed \(seed)")
          }
          #expect(found?.stage != .beta || tier.showsBetaModels, "seed \(seed)")
          #expect(found?.verified ?? true || tier.allowsUnverifiedModels, "seed \(seed)")
          let trial = policy.canaries.first {
            $0.provider == choice.provider.name && $0.model == choice.model && $0.version == choice.version
          }
          if let trial, tier.routing != .pinned {
            inCohort += 1
            #expect(tier.canary && trial.includes(job.userID), "seed \(seed)")
          }
          if tier.routing == .allowMinor,
            let pin = tier.pinned[.llm]?.first(where: { $0.provider == choice.provider.name })
          {
            #expect(pin.model != choice.model || pin.version?.first == choice.version?.first, "seed \(seed)")
          }
          #expect(
            !skips.contains {
              $0.provider == choice.provider.name && $0.model == choice.model && $0.version == choice.version
            })
        }
        #expect(
          choices.map(\.provider.name)
            == tier.providers[.llm]?.filter { name in choices.contains { $0.provider.name == name } })
      }
    }
    #expect(inCohort > 100)
  }

  @Test func `under a freeze nothing moves, whatever is listed, put on trial or pinned anew`() throws {
    for seed in 0..<2_000 as Range<UInt64> {
      let world = World(seed: seed)
      let freeze = Freeze(of: world.policy, id: "f", since: Timestamp(milliseconds: 0), by: "t", reason: "")
      let job = try Self.job("u")
      func routes(_ policy: Policy) -> [Router.Choice] {
        let held = freeze.freezing(policy)
        var skips: [RouteSkip] = []
        return Router(policy: held, unfrozen: policy).choices(for: job, held.tiers["T"] ?? world.tier, &skips)
      }
      // Trials are over for everybody; nothing else may change when the freeze begins, and nothing at all later.
      var settled = world.policy
      for index in settled.canaries.indices { settled.canaries[index].percent = 0 }
      var skips: [RouteSkip] = []
      let before = Router(policy: settled).choices(for: job, world.tier, &skips)
      #expect(routes(world.policy) == before, "seed \(seed)")
      var changed = World(seed: seed + 1_000_000).policy
      changed.tiers["T"]?.routing = world.tier.routing
      changed.tiers["T"]?.providers = world.tier.providers
      changed.tiers["T"]?.showsBetaModels = world.tier.showsBetaModels
      changed.tiers["T"]?.allowsUnverifiedModels = world.tier.allowsUnverifiedModels
      #expect(routes(changed) == before, "seed \(seed)")
    }
  }

  @Test func `a cohort has the size it should, and grows without losing anybody`() {
    var canary = Canary(id: "r1", provider: "p", task: .llm, model: "m", version: "2", percent: 10)
    let users = (0..<20_000).map { "user-\($0)" }
    let small = Set(users.filter(canary.includes))
    #expect((1_800...2_200).contains(small.count))
    canary.percent = 30
    #expect(small.isSubset(of: users.filter(canary.includes)))
    canary.id = "r2"
    let other = users.filter(canary.includes).filter(small.contains)
    #expect((400...800).contains(other.count), "another trial draws another cohort")
    canary.percent = 0
    #expect(!users.contains(where: canary.includes))
    canary.percent = 100
    #expect(users.allSatisfy(canary.includes))
  }

  @Test func `a pinned task without a pin has no choice`() throws {
    var world = World(seed: 1)
    world.tier.routing = .pinned
    world.tier.pinned = [:]
    var skips: [RouteSkip] = []
    #expect(Router(policy: world.policy).choices(for: try Self.job("u"), world.tier, &skips).isEmpty)
  }
}
