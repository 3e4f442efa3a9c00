import Catalog
import Contracts
import Testing

/// A small valid policy, line by line replaceable, so that each test shows only what it breaks.
func policyText(replacing old: String = "", with new: String = "") -> String {
  let text = """
    version: 1
    default_tier: FREE
    aliases: {tier1: FREE, tier2: PRO}
    tiers:
      FREE:
        priority: low
        model_policy:
          providers: {tts: [piper, espeak]}
        quotas:
          concurrency: 2
      PRO:
        priority: standard
        batch_size: 5
        model_policy:
          defaultRouting: allow_minor
          canary: true
          pinned: {tts: {provider: piper, model: joe, version: 1.0}}
          providers: {tts: [piper], llm: [vllm]}
        quotas:
          monthly: {tokens: 100, audio_seconds: 200, video_minutes: 3, jobs: 40}
          concurrency: 5
          rateLimit: {rpm: 120, rps: 5, burst: 20}
        cost_caps: {monthlyUsd: 49.999999999, hardStop: false}
        visibility: {showBetaModels: true, allowUnverified: true}
    providers:
      piper: {kind: local, command: ["serve", "--fast"], isolation: per_user, timeout: 500ms}
      espeak: {kind: espeak}
      vllm: {kind: openai, base_url: "http://127.0.0.1:8000/v1", api_key_file: /run/secrets/key, timeout: 2m}
    allow_http: [gpu-1]
    models:
      - {provider: piper, task: tts, model: joe, version: 1.0, verified: true}
      - {provider: espeak, task: tts, model: espeak-ng, stage: beta}
      - {provider: vllm, task: llm, model: llama}
    """
  guard !old.isEmpty else { return text }
  #expect(text.contains(old), "the test replaces what is not there")
  return text.replacing(old, with: new, maxReplacements: 1)
}

/// The remarks of a refused policy; empty, with an issue, when it was accepted.
func faults(of text: String, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
  do throws(FileFault) {
    _ = try PolicyFile.read(text: text)
    Issue.record("the policy was accepted", sourceLocation: sourceLocation)
    return []
  } catch {
    return error.notices.map { "\($0.path): \($0.message)" }
  }
}

func warnings(of text: String) throws -> [String] {
  try PolicyFile.read(text: text).1.map { "\($0.path): \($0.message)" }
}

func payload(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)).root }

func time(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

func decimal(_ text: String) throws -> ExactDecimal { try #require(ExactDecimal(text)) }

func dollars(_ text: String) throws -> Money { try #require(Money(text)) }

/// A price book of one or more entries, given as the lines below `prices:`.
func book(_ entries: String) throws -> PriceBook {
  try PriceBookFile.read(text: "version: 1\nprices:\n" + entries).0
}

func used(_ quantities: [(Usage.Unit, String)], _ source: Usage.Source = .provider) throws -> [Usage] {
  try quantities.map { Usage($0.0, try decimal($0.1), source) }
}
