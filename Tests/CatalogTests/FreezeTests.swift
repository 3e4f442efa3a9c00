import Catalog
import Contracts
import Testing

@Suite struct FreezeTests {
  private static let since = Timestamp(milliseconds: 1_790_000_000_123)

  /// Two tiers, one of them pinned; a version on trial, a retired one, a beta one.
  private let policy: Policy

  init() throws {
    let models = """
      models:
        - {provider: piper, task: tts, model: joe, version: "0.9", stage: retired, verified: true, id: joe-old}
        - {provider: piper, task: tts, model: joe, version: "1.0", verified: true, context: 400, id: joe-one}
        - {provider: piper, task: tts, model: joe, version: "1.1", verified: true, id: joe-new}
        - {provider: espeak, task: tts, model: espeak-ng, stage: beta}
        - {provider: vllm, task: llm, model: llama}
      canaries:
        - {provider: piper, task: tts, model: joe, version: "1.1", percent: 20}
      """
    let text = policyText()
    let start = try #require(text.firstRange(of: "models:\n"))
    policy = try PolicyFile.read(text: String(text[..<start.lowerBound]) + models).0
  }

  private func freeze(_ policy: Policy, reason: String = "") -> Freeze {
    Freeze(of: policy, id: "f1", since: Self.since, by: "ana", reason: reason)
  }

  private func names(_ models: [ModelListing]) -> [String] {
    models.map { "\($0.provider)/\($0.model)@\($0.version ?? "-") \($0.stage)" }
  }

  @Test func `what is approved is neither retired nor on trial, in the order of the file`() {
    #expect(
      names(freeze(policy).models) == ["piper/joe@1.0 stable", "espeak/espeak-ng@- beta", "vllm/llama@- stable"])
    #expect(
      freeze(policy).pins == [
        "FREE": [:], "PRO": [.tts: [.init(provider: "piper", model: "joe", version: "1.0")]],
      ])
  }

  @Test func `a freeze comes back from its bytes as it was`() throws {
    var odd = policy
    odd.tiers["PRO"]?.pinned[.llm] = []
    let freeze = freeze(odd, reason: "\"bad\" voices\n\u{1F976}")
    #expect(try Freeze(decoding: freeze.encoded()) == freeze)
    #expect(
      String(decoding: self.freeze(policy).encoded(), as: UTF8.self)
        == #"{"id":"f1","since":"2026-09-21T14:13:20.123Z","by":"ana","reason":"","models":["#
        + #"{"provider":"piper","task":"tts","model":"joe","version":"1.0","verified":true,"context":400,"id":"joe-one"},"#
        + #"{"provider":"espeak","task":"tts","model":"espeak-ng","stage":"beta"},"#
        + #"{"provider":"vllm","task":"llm","model":"llama"}],"#
        + #""pins":{"FREE":{},"PRO":{"tts":[{"provider":"piper","model":"joe","version":"1.0"}]}}}"#)
  }

  @Test(arguments: [
    "", "{}", "[]", #"{"id":"f1"}"#,
    #"{"id":"f1","since":"today","by":"a","reason":"","models":[],"pins":{}}"#,
    #"{"id":"f1","since":"2026-11-22T00:00:00Z","by":"a","reason":"","models":{},"pins":{}}"#,
    #"{"id":"f1","since":"2026-11-22T00:00:00Z","by":"a","reason":"","models":[{"task":"tts"}],"pins":{}}"#,
    #"{"id":"f1","since":"2026-11-22T00:00:00Z","by":"a","reason":"","models":[],"pins":{"F":{"tts":[{}]}}}"#,
  ])
  func `what is no freeze is refused`(text: String) {
    #expect(throws: Freeze.Fault.self) { try Freeze(decoding: Array(text.utf8)) }
  }

  @Test func `what a later release lists of tasks and stages unknown here is left out`() throws {
    let text = """
      {"id":"f1","since":"2026-11-22T00:00:00Z","by":"a","reason":"","new":1,"models":[
      {"provider":"p","task":"smell","model":"m"},{"provider":"p","task":"tts","model":"m","stage":"gold"},
      {"provider":"p","task":"tts","model":"m","colour":"red"}],"pins":{"F":{"smell":[{"provider":"p","model":"m"}]}}}
      """
    let freeze = try Freeze(decoding: Array(text.utf8))
    #expect(names(freeze.models) == ["p/m@- stable"])
    #expect(freeze.pins == ["F": [:]])
  }

  @Test func `models and pins stay, limits and the order of providers follow the file`() throws {
    var later = policy
    later.models.append(
      ModelListing(provider: "piper", task: .tts, model: "joe", version: "2.0", stage: .stable, verified: true))
    later.models[1].stage = .retired
    later.tiers["PRO"]?.pinned[.tts] = [.init(provider: "piper", model: "joe", version: "2.0")]
    later.tiers["PRO"]?.providers[.tts] = ["espeak", "piper"]
    later.tiers["FREE"]?.concurrency = 9
    let frozen = freeze(policy).freezing(later)
    #expect(frozen.models == freeze(policy).models)
    #expect(frozen.canaries.isEmpty)
    #expect(frozen.tiers["PRO"]?.pinned == policy.tiers["PRO"]?.pinned)
    #expect(frozen.tiers["PRO"]?.providers[.tts] == ["espeak", "piper"])
    #expect(frozen.tiers["FREE"]?.concurrency == 9)
    #expect(freeze(policy).freezing(frozen) == frozen)
  }

  @Test func `a provider that the file no longer has stays absent`() {
    var later = policy
    later.providers["piper"] = nil
    let frozen = freeze(policy).freezing(later)
    #expect(names(frozen.models) == ["espeak/espeak-ng@- beta", "vllm/llama@- stable"])
    #expect(frozen.providers == later.providers)
    #expect(frozen.tiers["PRO"]?.pinned[.tts] == [])
  }

  @Test func `a tier that is new keeps those of its pins that name a held version`() throws {
    var later = policy
    var gold = try #require(later.tiers["PRO"])
    gold.code = "GOLD"
    gold.pinned[.tts] = ["1.0", "1.1"].map { .init(provider: "piper", model: "joe", version: $0) }
    later.tiers["GOLD"] = gold
    let frozen = freeze(policy).freezing(later)
    #expect(frozen.tiers["GOLD"]?.pinned[.tts] == [.init(provider: "piper", model: "joe", version: "1.0")])
  }

  @Test(arguments: [("0.9", "piper/joe@0.9 retired"), ("1.1", "piper/joe@1.1 retired")])
  func `what a pinned tier is pinned to is held even if it is retired or on trial, for nobody else`(
    version: String, held: String
  ) {
    var pinned = policy
    pinned.tiers["PRO"]?.routing = .pinned
    pinned.tiers["PRO"]?.pinned[.tts] = [.init(provider: "piper", model: "joe", version: version)]
    #expect(
      names(freeze(pinned).models).filter { $0.contains("joe@") }.sorted() == [held, "piper/joe@1.0 stable"].sorted())
  }

  @Test func `a pin without a version is held at the version that it leads to`() {
    var pinned = policy
    pinned.tiers["PRO"]?.routing = .pinned
    pinned.tiers["PRO"]?.pinned[.tts] = [.init(provider: "piper", model: "joe", version: nil)]
    let freeze = freeze(pinned)
    #expect(freeze.pins["PRO"]?[.tts] == [.init(provider: "piper", model: "joe", version: "0.9")])
    #expect(names(freeze.models).first == "piper/joe@0.9 retired")
  }

  @Test func `a pin to what its tier may not see is not held`() {
    var pinned = policy
    pinned.tiers["PRO"]?.routing = .pinned
    pinned.tiers["PRO"]?.showsBetaModels = false
    pinned.tiers["PRO"]?.pinned[.tts] = [.init(provider: "espeak", model: "espeak-ng", version: nil)]
    #expect(freeze(pinned).pins["PRO"]?[.tts] == [])
  }
}
