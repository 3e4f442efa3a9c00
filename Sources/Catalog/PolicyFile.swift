import Contracts

/// Reads the policy file, whose keys `deploy/policy.yml` shows with their meaning. Pure. A text is accepted whole or
/// refused with everything that is wrong in it; what is merely doubtful comes back as notices.
package enum PolicyFile {
  /// The text of `deploy/policy.yml` as it was when this program was built.
  package static var builtIn: String { Defaults.policy }

  package static func read(text: String) throws(FileFault) -> (Policy, [FileNotice]) {
    let report = FileReport()
    guard let root = ConfigMap.root(try ConfigNode.parse(text), report: report) else {
      throw FileFault(report.faults)
    }
    if root.whole("version", atLeast: 1) ?? 1 != 1 { root.fault("version", "must be 1, the only one there is") }
    let plainHTTPHosts = Set((root.texts("allow_http", "must be a list of host names") ?? []).map { $0.lowercased() })

    var tiers: [String: TierPolicy] = [:]
    let tierMap = root.map("tiers")
    for code in tierMap?.keys ?? [] {
      guard let map = tierMap?.map(code), PolicyRules.checkName(code, of: "tier", in: tierMap) else { continue }
      tiers[code] = readTier(code: code, map)
    }
    if tierMap?.keys.isEmpty ?? true { root.fault("tiers", "must name at least one tier") }

    var providers: [String: ProviderDefinition] = [:]
    let providerMap = root.map("providers")
    for name in providerMap?.keys ?? [] {
      guard let map = providerMap?.map(name), PolicyRules.checkName(name, of: "provider", in: providerMap) else {
        continue
      }
      providers[name] = readProvider(name: name, map, plainHTTPHosts: plainHTTPHosts)
    }

    var aliases: [String: String] = [:]
    let aliasMap = root.map("aliases")
    for alias in aliasMap?.keys ?? [] { aliases[alias] = aliasMap?.text(alias) }

    let listed = root.maps("models").compactMap { readModel($0, providers: providerMap) }
    let own = providers.values.filter { provider in !listed.contains { $0.provider == provider.name } }
    let models = listed + own.sorted { $0.name < $1.name }.compactMap(\.onlyModel)
    var policy = Policy(
      defaultTier: root.text("default_tier") ?? "FREE",
      trustsMessageTier: root.flag("trust_message_tier", default: true), aliases: aliases, tiers: tiers,
      providers: providers, models: models, canaries: root.maps("canaries").compactMap(readCanary),
      plainHTTPHosts: plainHTTPHosts)
    for tier in try standardTiers(missingIn: policy, root: root) { policy.tiers[tier.code] = tier }
    policy.budgets = readBudgets(root.map("budgets"), tiers: tierMap, providers: providerMap)
    policy.notify = readNotify(root.map("notify_admin"))
    policy.allowsUnpriced = root.choice("unpriced") == Unpriced.allow
    let checked = PolicyRules.check(policy, root: root)
    root.warnUnknown()
    return (checked, try report.settle())
  }

  private enum Unpriced: String, CaseIterable { case refuse, allow }

  private static func readModel(_ map: ConfigMap, providers: ConfigMap?) -> ModelListing? {
    defer { map.warnUnknown() }
    let provider = map.requiredText("provider", fix: "name a provider")
    if let provider, !(providers?.has(provider) ?? false) {
      map.fault("provider", "is not defined under providers; define it there or correct the name")
    }
    if !map.has("task") { map.report.fault(map.path(of: "task"), "is missing; name a task type", line: map.line) }
    let task: TaskType? = map.choice("task")
    let name = map.requiredText("model", fix: "write the model's name as its provider knows it")
    let version = map.text("version")
    let stage: ModelListing.Stage = map.choice("stage") ?? .stable
    let verified = map.flag("verified", default: false)
    let context = map.whole("context", atLeast: 1)
    guard let provider, let task, let name else { return nil }
    return ModelListing(
      provider: provider, task: task, model: name, version: version, stage: stage, verified: verified,
      contextTokens: context, id: map.text("id"))
  }

  private static func readCanary(_ map: ConfigMap) -> Canary? {
    defer { map.warnUnknown() }
    let provider = map.requiredText("provider", fix: "name a provider")
    if !map.has("task") { map.report.fault(map.path(of: "task"), "is missing; name a task type", line: map.line) }
    let task: TaskType? = map.choice("task")
    let model = map.requiredText("model", fix: "name the model of the version on trial")
    let version = map.requiredText("version", fix: "name the version on trial")
    if !map.has("percent") { map.report.fault(map.path(of: "percent"), "is missing; write 0 to 100", line: map.line) }
    let percent = map.whole("percent", atLeast: 0)
    if let percent, percent > 100 { map.fault("percent", "must be 0 to 100") }
    guard let provider, let task, let model, let version, let percent else { return nil }
    return Canary(
      id: map.text("id") ?? "\(model)@\(version)", provider: provider, task: task, model: model, version: version,
      percent: percent)
  }
}
