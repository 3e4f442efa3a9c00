import Contracts

/// What no single line of a policy file can get wrong, only several together. Runs after the lines were read; says
/// where the fix belongs.
enum PolicyRules {
  /// Answers the policy with `default_tier` as a code.
  static func check(_ policy: Policy, root: ConfigMap) -> Policy {
    var policy = policy
    let codes = policy.tiers.keys.sorted().joined(separator: ", ")
    checkAliases(policy, root: root, codes: codes)
    if let tier = policy.tier(named: policy.defaultTier) {
      policy.defaultTier = tier.code
    } else if !(root.map("tiers")?.has(policy.defaultTier) ?? false) {
      root.fault("default_tier", "must name a tier: \(codes)")
    }
    for tier in policy.tiers.values.sorted(by: { $0.code < $1.code }) { check(tier, policy, root: root) }
    checkModels(policy, root: root)
    checkCanaries(policy, root: root)
    checkServiceLevels(policy, root: root)
    return policy
  }

  /// Names stand in routing keys and metric labels: letters, digits, `_` and `-`; unique without regard to case.
  static func checkName(_ name: String, of what: String, in map: ConfigMap?) -> Bool {
    guard let map else { return false }
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isPlain, (1...64).contains(name.utf8.count) else {
      map.fault(name, "the name of a \(what) must be 1 to 64 characters of A-Z a-z 0-9 _ -")
      return false
    }
    if let twin = map.keys.first(where: { $0 != name && $0.lowercased() == name.lowercased() }), twin < name {
      map.fault(name, "differs from \(twin) only in case, which routing keys do not show; rename one")
      return false
    }
    return true
  }

  private static func checkAliases(_ policy: Policy, root: ConfigMap, codes: String) {
    guard let aliases = root.map("aliases"), let tiers = root.map("tiers") else { return }
    for (alias, code) in policy.aliases.sorted(by: { $0.key < $1.key }) {
      if !tiers.has(code), policy.tiers[code] == nil { aliases.fault(alias, "must name a tier: \(codes)") }
      if tiers.has(alias) { aliases.fault(alias, "is the name of a tier itself; remove the alias") }
    }
  }

  private static func check(_ tier: TierPolicy, _ policy: Policy, root: ConfigMap) {
    guard let tierMap = root.map("tiers")?.map(tier.code), let model = tierMap.map("model_policy") else { return }
    let defined = root.map("providers")
    let orders = model.map("providers")
    let pins = model.map("pinned")
    for task in TaskType.allCases {
      for name in tier.providers[task] ?? [] {
        if !(defined?.has(name) ?? false) {
          orders?.fault(task.rawValue, "names a provider that is not defined under providers; define it or remove it")
        } else if !policy.models.contains(where: { $0.provider == name && $0.task == task }) {
          orders?.warn(task.rawValue, "lists \(name), which has no \(task.rawValue) model under models: it is skipped")
        }
      }
      if let repeated = firstRepeated(tier.providers[task] ?? []), defined?.has(repeated) ?? false {
        orders?.warn(task.rawValue, "lists \(repeated) twice")
      }
      for pin in tier.pinned[task] ?? [] {
        if !(defined?.has(pin.provider) ?? false) {
          pins?.fault(task.rawValue, "pins a model of a provider that is not defined under providers; define it there")
        } else if pin.version != nil, !policy.models.contains(where: { $0.isPinned(by: pin, for: task) }) {
          pins?.fault(task.rawValue, "pins a version that is not under models; list it there, or pin one that is")
        }
      }
      let hasProviders = !(tier.providers[task] ?? []).isEmpty
      if tier.routing == .pinned, hasProviders, (tier.pinned[task] ?? []).isEmpty {
        orders?.warn(
          task.rawValue, "has providers but no pin, and the tier's routing is pinned: such jobs have no route")
      }
    }
  }

  private static func firstRepeated(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }

  private static func checkModels(_ policy: Policy, root: ConfigMap) {
    let maps = root.maps("models")
    guard maps.count == policy.models.count else { return }
    for (index, model) in policy.models.enumerated() {
      let others = policy.models[..<index].filter {
        $0.provider == model.provider && $0.task == model.task && $0.model == model.model
      }
      if others.contains(where: { $0.version == model.version }) {
        maps[index].report.fault(maps[index].path, "is listed twice; remove one", line: maps[index].line)
      } else if policy.providers[model.provider]?.isAskedByName ?? false,
        others.contains(where: { $0.id ?? $0.model == model.id ?? model.model })
      {
        maps[index].report.warn(
          maps[index].path,
          "is to its provider the same as another version of the model: whichever the route says, it serves the one "
            + "that it has; give each the id that the provider knows it by",
          line: maps[index].line)
      }
    }
  }

  private static func checkCanaries(_ policy: Policy, root: ConfigMap) {
    let maps = root.maps("canaries")
    guard maps.count == policy.canaries.count else { return }
    for (map, canary) in zip(maps, policy.canaries) {
      let listing = policy.models.first {
        $0.provider == canary.provider && $0.task == canary.task && $0.model == canary.model
          && $0.version == canary.version
      }
      if listing == nil {
        map.report.fault(map.path, "puts a version on trial that is not under models; list it there", line: map.line)
      }
      if policy.canaries.contains(where: { $0 != canary && $0.id == canary.id }) {
        map.report.fault(map.path, "has the id of another trial; give it one of its own", line: map.line)
      }
    }
    if !policy.canaries.isEmpty, !policy.tiers.values.contains(where: \.canary) {
      root.warn("canaries", "has no effect: no tier has canary: true")
    }
  }

  /// A lane's jobs start in their order, so it has one target: the strictest of its tiers.
  private static func checkServiceLevels(_ policy: Policy, root: ConfigMap) {
    for lane in Lane.allCases {
      let tiers = policy.tiers.values.filter { $0.lane == lane && $0.serviceLevel != nil }
      guard let target = policy.waitTarget(of: lane) else { continue }
      for tier in tiers where tier.serviceLevel != target {
        root.map("tiers")?.map(tier.code)?.warn(
          "service_level", "shares the lane \(lane.rawValue) with a stricter one, which is what is watched")
      }
    }
  }
}

extension ModelListing {
  fileprivate func isPinned(by pin: TierPolicy.Pin, for task: TaskType) -> Bool {
    provider == pin.provider && self.task == task && model == pin.model && version == pin.version
  }
}

extension ProviderDefinition {
  /// Whether a name is all that tells it which model to run.
  fileprivate var isAskedByName: Bool {
    switch kind {
    case .openai, .anthropic, .elevenlabs, .huggingface, .local: true
    case .espeak, .card, .ffmpeg, .echo: false
    }
  }
}
