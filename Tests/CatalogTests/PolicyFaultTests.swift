import Catalog
import Contracts
import Testing

@Suite struct PolicyFaultTests {
  @Test(arguments: [
    ("concurrency: 2", "concurrency: 0", "tiers.FREE.quotas.concurrency: must be a whole number of 1 or more"),
    ("concurrency: 2", "concurrency: two", "tiers.FREE.quotas.concurrency: must be a whole number of 1 or more"),
    ("concurrency: 2", "concurrency: 2.5", "tiers.FREE.quotas.concurrency: must be a whole number of 1 or more"),
    ("concurrency: 2", "concurrency: [2]", "tiers.FREE.quotas.concurrency: must be a whole number of 1 or more"),
    ("priority: low", "priority: lowest", "tiers.FREE.priority: must be one of critical, high, standard, low"),
    ("batch_size: 5", "batch_size: 0", "tiers.PRO.batch_size: must be a whole number of 1 or more"),
    (
      "defaultRouting: allow_minor", "defaultRouting: newest",
      "tiers.PRO.model_policy.defaultRouting: must be one of latest, allow_minor, pinned"
    ),
    ("canary: true", "canary: 1", "tiers.PRO.model_policy.canary: must be true or false"),
    (
      "{tts: [piper, espeak]}", "{speech: [piper]}",
      "tiers.FREE.model_policy.providers.speech: must be a task type: tts, llm, image, video, embedding, echo"
    ),
    (
      "{tts: [piper, espeak]}", "{tts: piper}",
      "tiers.FREE.model_policy.providers.tts: must be a list of names of providers, the first to try first"
    ),
    (
      "{tts: [piper, espeak]}", "{tts: [pipper]}",
      "tiers.FREE.model_policy.providers.tts: names a provider that is not defined under providers; define it or "
        + "remove it"
    ),
    (
      "pinned: {tts: {provider: piper,", "pinned: {tts: {provider: peter,",
      "tiers.PRO.model_policy.pinned.tts: pins a model of a provider that is not defined under providers; define it "
        + "there"
    ),
    (
      "{provider: piper, model: joe, version: 1.0}}", "{provider: piper}}",
      "tiers.PRO.model_policy.pinned.tts.model: is missing; name the model to pin"
    ),
    (
      "{provider: piper, model: joe, version: 1.0}}", "[piper]}",
      "tiers.PRO.model_policy.pinned.tts[0]: must be a mapping (`name: value`)"
    ),
    ("jobs: 40", "jobs: -1", "tiers.PRO.quotas.monthly.jobs: must be a whole number of 0 or more"),
    ("rpm: 120", "rpm: 0", "tiers.PRO.quotas.rateLimit.rpm: must be a whole number of 1 or more"),
    (
      "monthlyUsd: 49.999999999", "monthlyUsd: fifty",
      "tiers.PRO.cost_caps.monthlyUsd: must be a decimal number of 0 or more, like \"0.15\""
    ),
    (
      "monthlyUsd: 49.999999999, ", "",
      "tiers.PRO.cost_caps.monthlyUsd: is missing; write the dollars a month"
    ),
    (
      "monthlyUsd: 49.999999999", "monthlyUsd: 99999999999",
      "tiers.PRO.cost_caps.monthlyUsd: is too large; leave cost_caps out for no cap"
    ),
    ("kind: espeak", "kind: festival", "providers.espeak.kind: \(kinds)"),
    (
      "{kind: espeak}", "{timeout: 1s}",
      "providers.espeak.kind: is missing; write one of openai, anthropic, elevenlabs, huggingface, local, espeak, card, ffmpeg, echo"
    ),
    (
      "command: [\"serve\", \"--fast\"], ", "",
      "providers.piper.command: is missing; kind local needs the program to start, as a list"
    ),
    (
      "[\"serve\", \"--fast\"]", "[]",
      "providers.piper.command: is missing; kind local needs the program to start, as a list"
    ),
    (
      "[\"serve\", \"--fast\"]", "serve --fast",
      "providers.piper.command: must be a list: the program, then its arguments"
    ),
    (
      "isolation: per_user", "isolation: mine",
      "providers.piper.isolation: must be one of shared, per_tier, per_user"
    ),
    (
      "timeout: 500ms", "timeout: 60",
      "providers.piper.timeout: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    (
      "timeout: 500ms", "timeout: 26m",
      "providers.piper.timeout: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    (
      "timeout: 500ms", "timeout: 0s",
      "providers.piper.timeout: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    (
      "api_key_file: /run/secrets/key", "api_key_file: /k, api_key_env: K",
      "providers.vllm.api_key_file: and api_key_env exclude each other; keep one"
    ),
    ("default_tier: FREE", "default_tier: GOLD", "default_tier: must name a tier: FREE, PRO"),
    ("tier2: PRO", "tier2: GOLD", "aliases.tier2: must name a tier: FREE, PRO"),
    ("tier2: PRO", "PRO: FREE", "aliases.PRO: is the name of a tier itself; remove the alias"),
    ("version: 1\n", "version: 2\n", "version: must be 1, the only one there is"),
    ("version: 1\n", "version: 1\nunpriced: maybe\n", "unpriced: must be one of refuse, allow"),
    ("allow_http: [gpu-1]", "allow_http: gpu-1", "allow_http: must be a list of host names"),
    ("task: llm", "task: text", "models[2].task: must be one of tts, llm, image, video, embedding, echo"),
    ("task: llm, ", "", "models[2].task: is missing; name a task type"),
    ("model: llama", "stage: stable", "models[2].model: is missing; write the model's name as its provider knows it"),
    ("stage: beta", "stage: alpha", "models[1].stage: must be one of stable, beta, retired"),
    (
      "- {provider: vllm, task: llm", "- {provider: vlm, task: llm",
      "models[2].provider: is not defined under providers; define it there or correct the name"
    ),
    (
      "- {provider: vllm, task: llm, model: llama}", "- {provider: espeak, task: tts, model: espeak-ng}",
      "models[2]: is listed twice; remove one"
    ),
    ("model: llama", "model: llama, context: 0", "models[2].context: must be a whole number of 1 or more"),
    (
      "timeout: 500ms", "idle_stop: 1h",
      "providers.piper.idle_stop: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    (
      "timeout: 2m", "first_token_timeout: soon",
      "providers.vllm.first_token_timeout: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    (
      "timeout: 2m", "timeouts: {image: 26m}",
      "providers.vllm.timeouts.image: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    (
      "timeout: 2m", "timeouts: {llm: 0s}",
      "providers.vllm.timeouts.llm: must be a duration from 1ms to 25m, like 60s, 2m or 500ms"
    ),
    ("timeout: 2m", "timeouts: 2m", "providers.vllm.timeouts: must be a mapping (`name: value`)"),
    (
      "timeout: 500ms", "limits: {memory_mb: 0}",
      "providers.piper.limits.memory_mb: must be a whole number of 1 or more"
    ),
    ("timeout: 500ms", "limits: {files: 7}", "providers.piper.limits.files: must be a whole number of 8 or more"),
    ("timeout: 500ms", "limits: 900", "providers.piper.limits: must be a mapping (`name: value`)"),
    (
      "  espeak: {kind: espeak}", "  espeak: {kind: espeak}\n  e.speak: {kind: echo}",
      "providers.e.speak: the name of a provider must be 1 to 64 characters of A-Z a-z 0-9 _ -"
    ),
    (
      "  espeak: {kind: espeak}", "  espeak: {kind: espeak}\n  Espeak: {kind: espeak}",
      "providers.espeak: differs from Espeak only in case, which routing keys do not show; rename one"
    ),
  ])
  func `a mistake is named with its path and its fix`(old: String, new: String, expected: String) {
    #expect(faults(of: policyText(replacing: old, with: new)) == [expected])
  }

  static let kinds = "must be one of openai, anthropic, elevenlabs, huggingface, local, espeak, card, ffmpeg, echo"

  @Test(arguments: [
    ("http://example.com/v1", false), ("http://gpu-1:8000/v1", true), ("http://GPU-1/v1", true),
    ("http://127.8.0.1:9/v1", true), ("http://127.0.0.1.example.com/", false), ("http://localhost:1234", true),
    ("http://[::1]:8000/v1", true), ("http://[::2]/v1", false), ("https://api.example.com/v1", true),
    ("https://", false), ("https:///v1", false), ("https://user:secret@example.com/", false),
    ("https://example.com/?key=1", false), ("https://example.com/#a", false), ("ftp://example.com", false),
    ("https://example.com:0/", false), ("https://example.com:99999/", false), ("https://exa mple.com/", false),
    ("https://[::1/", false),
  ])
  func `a base address is https, or http to loopback and allowed hosts`(address: String, isGood: Bool) throws {
    let text = policyText(replacing: "http://127.0.0.1:8000/v1", with: address)
    if isGood {
      #expect(try warnings(of: text) == [])
    } else {
      let found = faults(of: text)
      #expect(found.count == 1)
      #expect(found.first?.hasPrefix("providers.vllm.base_url: must") == true)
      #expect(found.first?.contains("secret") == false)
    }
  }

  @Test func `a key in place of its variable's name is refused and not repeated`() {
    let found = faults(of: policyText(replacing: "api_key_file: /run/secrets/key", with: "api_key_env: sk-abc123"))
    #expect(
      found == ["providers.vllm.api_key_env: must be the name of an environment variable, never the key itself"])
  }

  @Test func `all mistakes are listed at once, in the order of their lines`() throws {
    var text = policyText(replacing: "concurrency: 2", with: "concurrency: 0")
    text = text.replacing("kind: espeak", with: "kind: festival").replacing("priority: low", with: "priority: 7")
    do throws(FileFault) {
      _ = try PolicyFile.read(text: text)
      Issue.record("the policy was accepted")
    } catch {
      #expect(
        error.notices.map(\.path) == ["tiers.FREE.priority", "tiers.FREE.quotas.concurrency", "providers.espeak.kind"])
      #expect(error.notices.map(\.line) == [6, 10, 27])
      #expect(error.description.split(separator: "\n").first?.hasSuffix("(line 6)") == true)
    }
  }

  @Test(arguments: [
    ("version: 1\n", "version: 1\ntypo: 1\n", "typo: is not known and has no effect"),
    ("batch_size: 5", "batchSize: 5", "tiers.PRO.batchSize: is not known and has no effect"),
    ("jobs: 40", "job: 40", "tiers.PRO.quotas.monthly.job: is not known and has no effect"),
    (", rps: 5, burst", ", burst", "tiers.PRO.quotas.rateLimit.burst: has no effect without rps"),
    ("{kind: espeak}", "{kind: espeak, command: [x]}", "providers.espeak.command: has no effect for kind espeak"),
    (
      "http://127.0.0.1:8000/v1\", api_key_file: /run/secrets/key,", "https://example.com\", isolation: shared,",
      "providers.vllm.isolation: has no effect for kind openai"
    ),
    (
      "base_url: \"http://127.0.0.1:8000/v1\", api_key_file: /run/secrets/key, ", "",
      "providers.vllm: names no key; set api_key_env or api_key_file"
    ),
    (
      "defaultRouting: allow_minor", "defaultRouting: pinned",
      "tiers.PRO.model_policy.providers.llm: has providers but no pin, and the tier's routing is pinned: such jobs "
        + "have no route"
    ),
    (
      "{tts: [piper, espeak]}", "{tts: [piper, espeak], image: [vllm]}",
      "tiers.FREE.model_policy.providers.image: lists vllm, which has no image model under models: it is skipped"
    ),
    ("{kind: espeak}", "{kind: espeak, idle_stop: 1m}", "providers.espeak.idle_stop: has no effect for kind espeak"),
    (
      "timeout: 2m}", "timeout: 2m, limits: {files: 64}}", "providers.vllm.limits: has no effect for kind openai"
    ),
    ("timeout: 2m", "timeouts: {speech: 1s}", "providers.vllm.timeouts.speech: is not known and has no effect"),
    ("timeout: 500ms", "limits: {memory: 9}", "providers.piper.limits.memory: is not known and has no effect"),
    (
      "{tts: [piper, espeak]}", "{tts: [piper, piper]}",
      "tiers.FREE.model_policy.providers.tts: lists piper twice"
    ),
  ])
  func `what is only doubtful is a warning`(old: String, new: String, expected: String) throws {
    #expect(try warnings(of: policyText(replacing: old, with: new)) == [expected])
  }

  @Test func `one pin may stand alone or in a list`() throws {
    let alone = try PolicyFile.read(text: policyText()).0
    let text = policyText(
      replacing: "{provider: piper, model: joe, version: 1.0}}", with: "[{provider: piper, model: joe, version: 1.0}]}")
    #expect(try PolicyFile.read(text: text).0 == alone)
  }

  @Test func `a bomb of aliases is refused without being unfolded`() {
    var text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for (name, former) in zip("bcdefghijklmnop", "abcdefghijklmno") {
      text += "\(name): &\(name) [" + Array(repeating: "*\(former)", count: 9).joined(separator: ", ") + "]\n"
    }
    #expect(faults(of: text) == [": the file holds more than 50000 values"])
  }

  @Test func `an alias stands for what its anchor names`() throws {
    var text = policyText(replacing: "{tts: [piper, espeak]}", with: "{tts: &speech [piper, espeak]}")
    text = text.replacing("{tts: [piper], llm: [vllm]}", with: "{tts: *speech}")
    #expect(try PolicyFile.read(text: text).0.tiers["PRO"]?.providers[.tts] == ["piper", "espeak"])
  }

  @Test func `a file of ten megabytes is refused unread`() {
    let text = String(repeating: "# nothing\n", count: 1_048_576)
    #expect(
      faults(of: text) == [": the file is larger than 1 MiB; this is not a file of ours, or it must be split"])
  }

  @Test(arguments: [
    "", "# only a comment\n", "[]", "just text", "a: [", "a: 1\na: 2\n", "---\na: 1\n---\nb: 2\n", "\u{0}",
    "? [a]\n: 1\n",
    "tiers: 5\n", "tiers: {}\n", "providers: []\n", "models: {}\n", "- 1\n", "a: *b\n", "tiers: {FREE: }\n", "\tx: 1",
    "a: !!binary x\n",
  ])
  func `what is no policy is refused with a sentence`(text: String) {
    let found = faults(of: text)
    #expect(!found.isEmpty)
    #expect(found.allSatisfy { $0.count > 10 && !$0.contains("\n") })
  }

  @Test func `nesting without end is refused`() {
    for text in [String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 50_000)] {
      #expect(faults(of: text).count == 1)
    }
    let deep = "tiers: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    #expect(faults(of: deep) == [": the file is nested deeper than 16"])
  }

  @Test func `a line of another text never comes back in a remark`() {
    for text in ["secret-token: [", "\"secret-token", "x: 'secret-token", "secret-token: 1\nsecret-token: 2"] {
      #expect(faults(of: text).allSatisfy { !$0.contains("secret") })
    }
  }
}
