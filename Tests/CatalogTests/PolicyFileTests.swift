import Catalog
import Contracts
import Foundation
import Testing

@Suite struct PolicyFileTests {
  @Test func `the built-in files are the files of the repository, byte for byte`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    #expect(Data(PolicyFile.builtIn.utf8) == (try Data(contentsOf: root.appending(path: "deploy/policy.yml"))))
    #expect(Data(PriceBookFile.builtIn.utf8) == (try Data(contentsOf: root.appending(path: "provider_costs.yml"))))
  }

  @Test func `the built-in policy has the four tiers of the contract and no remark`() throws {
    let (policy, notices) = try PolicyFile.read(text: PolicyFile.builtIn)
    #expect(notices == [])
    #expect(policy.defaultTier == "FREE")
    #expect(policy.trustsMessageTier)
    #expect(policy.aliases == ["tier1": "FREE", "tier2": "PRO", "tier3": "BUSINESS", "tier4": "ENTERPRISE"])
    let rows = ["FREE", "PRO", "BUSINESS", "ENTERPRISE"].compactMap { policy.tiers[$0] }.map { tier in
      "\(tier.code) \(tier.routing.rawValue)\(tier.canary ? " canary" : "") \(tier.lane) \(tier.concurrency) "
        + "\(tier.batchSize)"
    }
    #expect(
      rows == [
        "FREE latest low 2 3", "PRO allow_minor standard 5 5", "BUSINESS allow_minor canary high 10 10",
        "ENTERPRISE pinned critical 20 15",
      ])
    for tier in policy.tiers.values { #expect(tier.providers[.tts] == ["piper", "espeak"]) }
    #expect(
      policy.tiers["ENTERPRISE"]?.pinned[.tts] == [
        .init(provider: "piper", model: "en_US-joe-medium", version: "1.0.0"),
        .init(provider: "espeak", model: "espeak-ng", version: nil),
      ])
    #expect(policy.providers["piper"]?.command == ["deploy/models/piper/serve"])
    #expect(policy.tiers["ENTERPRISE"]?.costCap == nil)
    #expect(policy.tiers["ENTERPRISE"]?.rate == nil)
  }

  @Test func `limits of the built-in tiers rise from tier to tier`() throws {
    let (policy, _) = try PolicyFile.read(text: PolicyFile.builtIn)
    let tiers = ["FREE", "PRO", "BUSINESS"].compactMap { policy.tiers[$0] }
    for (lower, higher) in zip(tiers, tiers.dropFirst()) {
      for limit in [\TierPolicy.monthly.tokens, \.monthly.audioSeconds, \.monthly.videoMinutes, \.monthly.jobs] {
        #expect(try #require(lower[keyPath: limit]) < #require(higher[keyPath: limit]))
      }
      #expect(try #require(lower.rate?.perMinute) < #require(higher.rate?.perMinute))
      #expect(try #require(lower.rate?.burst) < #require(higher.rate?.burst))
      #expect(try #require(lower.costCap).monthly < #require(higher.costCap).monthly)
    }
  }

  @Test func `every model that the built-in policy lists at a paid provider has a price`() throws {
    let (policy, _) = try PolicyFile.read(text: PolicyFile.builtIn)
    let (book, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    let now = try time("2026-11-21T12:00:00Z")
    for model in policy.models where policy.providers[model.provider]?.isFreeByDefault == false {
      #expect(book.price(provider: model.provider, model: model.model, at: now) != nil, "\(model)")
    }
  }

  @Test func `everything written in a policy arrives`() throws {
    let (policy, notices) = try PolicyFile.read(text: policyText())
    #expect(notices.map(\.path) == [])
    let pro = try #require(policy.tiers["PRO"])
    #expect(
      pro
        == TierPolicy(
          code: "PRO", lane: .standard, batchSize: 5, routing: .allowMinor, canary: true,
          pinned: [.tts: [.init(provider: "piper", model: "joe", version: "1.0")]],
          providers: [.tts: ["piper"], .llm: ["vllm"]],
          monthly: .init(tokens: 100, audioSeconds: 200, videoMinutes: 3, jobs: 40), concurrency: 5,
          rate: .init(perMinute: 120, perSecond: 5, burst: 20),
          costCap: .init(monthly: Money(nanoUSD: 49_999_999_999), isHard: false), showsBetaModels: true,
          allowsUnverifiedModels: true))
    #expect(
      policy.providers["piper"]
        == ProviderDefinition(
          name: "piper", kind: .local, baseURL: nil, apiKeyVariable: nil, apiKeyFile: nil,
          timeout: .milliseconds(500), command: ["serve", "--fast"], isolation: .perUser))
    #expect(
      policy.providers["vllm"]
        == ProviderDefinition(
          name: "vllm", kind: .openai, baseURL: "http://127.0.0.1:8000/v1", apiKeyVariable: nil,
          apiKeyFile: "/run/secrets/key", timeout: .seconds(120), command: [], isolation: .shared))
    #expect(policy.plainHTTPHosts == ["gpu-1"])
    #expect(
      policy.models[1]
        == ModelListing(
          provider: "espeak", task: .tts, model: "espeak-ng", version: nil, stage: .beta, verified: false))
  }

  @Test func `a provider's time for a task is that of the task, else its own, and fifteen minutes for a clip`() throws {
    let text = policyText(replacing: "timeout: 2m", with: "timeout: 20s, timeouts: {image: 2m, video: 10m, llm: 500ms}")
    let (policy, notices) = try PolicyFile.read(text: text)
    #expect(notices == [])
    let vllm = try #require(policy.providers["vllm"])
    #expect(vllm.timeouts == [.image: .seconds(120), .video: .seconds(600), .llm: .milliseconds(500)])
    let times: [TaskType: Duration] = [
      .image: .seconds(120), .video: .seconds(600), .llm: .milliseconds(500), .tts: .seconds(20),
      .embedding: .seconds(20), .echo: .seconds(20),
    ]
    for (task, time) in times { #expect(vllm.timeout(of: task) == time, "\(task)") }
    #expect(policy.providers["espeak"]?.timeout(of: .video) == .seconds(900))
    #expect(policy.providers["espeak"]?.timeout(of: .image) == .seconds(60))
    let patient = try PolicyFile.read(text: policyText(replacing: "timeout: 2m", with: "timeout: 20m")).0
    #expect(patient.providers["vllm"]?.timeout(of: .video) == .seconds(1200))
  }

  @Test func `limits, waits, contexts and trials of a policy arrive`() throws {
    var text = policyText(
      replacing: "timeout: 500ms",
      with: "limits: {memory_mb: 900, processors: 2, processes: 40, files: 64}, idle_stop: 90s")
    text = text.replacing("timeout: 2m", with: "first_token_timeout: 3s, idle_timeout: 1500ms")
    text = text.replacing("model: joe, version: 1.0, verified", with: "model: joe, version: 1.0, id: joe-1, verified")
    text = text.replacing("model: llama}", with: "model: llama, version: v2, context: 8192}")
    text += """

      canaries:
        - {provider: piper, task: tts, model: joe, version: 1.0, percent: 0}
        - {id: autumn, provider: vllm, task: llm, model: llama, version: v2, percent: 100}
      """
    let (policy, notices) = try PolicyFile.read(text: text)
    #expect(notices == [])
    #expect(
      policy.providers["piper"]?.limits == ProcessLimits(memoryMegabytes: 900, processors: 2, processes: 40, files: 64))
    #expect(policy.providers["piper"]?.idleStop == .seconds(90))
    #expect(policy.providers["vllm"]?.firstTokenTimeout == .seconds(3))
    #expect(policy.providers["vllm"]?.idleTimeout == .milliseconds(1500))
    #expect(policy.models.map(\.contextTokens) == [nil, nil, 8192])
    #expect(policy.models.map(\.id) == ["joe-1", nil, nil])
    #expect(
      policy.canaries == [
        Canary(id: "joe@1.0", provider: "piper", task: .tts, model: "joe", version: "1.0", percent: 0),
        Canary(id: "autumn", provider: "vllm", task: .llm, model: "llama", version: "v2", percent: 100),
      ])
  }

  @Test func `what is left out has its default`() throws {
    let (policy, _) = try PolicyFile.read(text: policyText())
    #expect(
      policy.tiers["FREE"]
        == TierPolicy(
          code: "FREE", lane: .low, batchSize: 1, routing: .latest, canary: false, pinned: [:],
          providers: [.tts: ["piper", "espeak"]], monthly: .init(), concurrency: 2, rate: nil, costCap: nil,
          showsBetaModels: false, allowsUnverifiedModels: false))
    #expect(policy.trustsMessageTier)
    let espeak = try #require(policy.providers["espeak"])
    #expect(espeak.timeout == .seconds(60))
    #expect(espeak.firstTokenTimeout == .seconds(15) && espeak.idleTimeout == .seconds(10))
    #expect(espeak.limits == ProcessLimits() && espeak.idleStop == .seconds(600))
    #expect(policy.canaries == [])
  }

  @Test(
    arguments: [
      // assigned, claimed, trusted, expected
      (nil, nil, true, "FREE"), (nil, "PRO", true, "PRO"), (nil, "tier2", true, "PRO"), (nil, "PRO", false, "FREE"),
      (nil, "tier2", false, "FREE"), ("PRO", nil, true, "PRO"), ("PRO", nil, false, "PRO"),
      ("tier2", "FREE", true, "PRO"), ("FREE", "PRO", true, "FREE"), ("nonsense", "PRO", true, "PRO"),
      (nil, "pro", true, "FREE"), (nil, "TIER2", true, "FREE"), (nil, "", true, "FREE"), ("gone", "gone", true, "FREE"),
    ] as [(String?, String?, Bool, String)])
  func `the effective tier is the assigned one, else the claimed one if trusted, else the default`(
    assigned: String?, claimed: String?, isTrusted: Bool, expected: String
  ) throws {
    var (policy, _) = try PolicyFile.read(text: policyText())
    policy.trustsMessageTier = isTrusted
    #expect(policy.effectiveTier(assigned: assigned, claimed: claimed).code == expected)
  }

  @Test func `an alias serves as default tier`() throws {
    let (policy, _) = try PolicyFile.read(
      text: policyText(replacing: "default_tier: FREE", with: "default_tier: tier2"))
    #expect(policy.defaultTier == "PRO")
    #expect(policy.effectiveTier(assigned: nil, claimed: nil).code == "PRO")
  }

  @Test func `models without a price are refused unless the file allows them`() throws {
    #expect(try !PolicyFile.read(text: policyText()).0.allowsUnpriced)
    for (text, isAllowed) in [("allow", true), ("refuse", false)] {
      let policy = try PolicyFile.read(text: policyText() + "\nunpriced: \(text)\n").0
      #expect(policy.allowsUnpriced == isAllowed)
    }
  }
}
