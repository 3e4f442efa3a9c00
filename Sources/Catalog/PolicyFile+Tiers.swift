import Contracts

/// What stands under `tiers`.
extension PolicyFile {
  static func readTier(code: String, _ map: ConfigMap) -> TierPolicy? {
    defer { map.warnUnknown() }
    let lane: Lane? = map.has("priority") ? map.choice("priority") : standardLanes[code]
    if lane == nil, !map.has("priority") {
      map.report.fault(
        map.path(of: "priority"), "is missing; write low, standard, high or critical", line: map.line)
    }
    let batchSize = map.whole("batch_size", atLeast: 1) ?? 1

    let model = map.map("model_policy")
    let routing: TierPolicy.Routing = model?.choice("defaultRouting") ?? .latest
    let canary = model?.flag("canary", default: false) ?? false
    let pinned = byTask(model?.map("pinned")) { tasks, task in readPins(tasks, task) }
    let providers = byTask(model?.map("providers")) { tasks, task in
      tasks.texts(task, "must be a list of names of providers, the first to try first")
    }
    model?.warnUnknown()

    let quotas = map.map("quotas")
    let isLimited = quotas?.has("concurrency") ?? false
    let concurrency = isLimited ? quotas?.whole("concurrency", atLeast: 1) : TierPolicy.unlimitedConcurrency
    let monthly = readMonthly(quotas?.map("monthly"))
    let rate = quotas?.map("rateLimit").map(readRate)
    quotas?.warnUnknown()

    let costCap = map.map("cost_caps").flatMap(readCostCap)
    let visibility = map.map("visibility")
    let showsBeta = visibility?.flag("showBetaModels", default: false) ?? false
    let allowsUnverified = visibility?.flag("allowUnverified", default: false) ?? false
    visibility?.warnUnknown()
    let serviceLevel = map.map("service_level").flatMap(readServiceLevel)

    guard let lane, let concurrency else { return nil }
    var tier = TierPolicy(
      code: code, lane: lane, batchSize: batchSize, routing: routing, canary: canary, pinned: pinned,
      providers: providers, monthly: monthly, concurrency: concurrency, rate: rate, costCap: costCap,
      showsBetaModels: showsBeta, allowsUnverifiedModels: allowsUnverified)
    tier.serviceLevel = serviceLevel
    return tier
  }

  /// Of the tiers that have no need to say it.
  private static let standardLanes: [String: Lane] = [
    "FREE": .low, "PRO": .standard, "BUSINESS": .high, "ENTERPRISE": .critical,
  ]

  /// The tiers that `default_tier` or an alias names and the file leaves out, where the policy built in has them: as there,
  /// as far as their providers are defined here.
  static func standardTiers(missingIn policy: Policy, root: ConfigMap) throws(FileFault) -> [TierPolicy] {
    let named = [policy.defaultTier] + policy.aliases.values
    let missing = Set(named.filter { standardLanes[$0] != nil && !(root.map("tiers")?.has($0) ?? false) })
    guard !missing.isEmpty, policy.tiers.count > 0 else { return [] }
    let (standard, _) = try read(text: builtIn)
    return missing.sorted().compactMap { code in
      root.warn("tiers", "leaves out \(code), which is named: it is as in the policy built in")
      guard var tier = standard.tiers[code] else { return nil }
      for task in TaskType.allCases {
        tier.providers[task] = tier.providers[task]?.filter { policy.providers[$0] != nil }
        tier.pinned[task] = tier.pinned[task]?.filter { policy.providers[$0.provider] != nil }
      }
      return tier
    }
  }

  private static func byTask<Value>(
    _ tasks: ConfigMap?, _ read: (ConfigMap, String) -> Value?
  ) -> [TaskType: Value] {
    guard let tasks else { return [:] }
    var values: [TaskType: Value] = [:]
    for name in tasks.keys {
      if let task = TaskType(rawValue: name) {
        values[task] = read(tasks, name)
      } else {
        tasks.fault(name, "must be a task type: \(TaskType.allCases.map(\.rawValue).joined(separator: ", "))")
      }
    }
    return values
  }

  private static func readPins(_ tasks: ConfigMap, _ task: String) -> [TierPolicy.Pin] {
    tasks.maps(task, alone: true).compactMap { map in
      defer { map.warnUnknown() }
      let provider = map.requiredText("provider", fix: "name a provider")
      let model = map.requiredText("model", fix: "name the model to pin")
      let version = map.text("version")
      guard let provider, let model else { return nil }
      return TierPolicy.Pin(provider: provider, model: model, version: version)
    }
  }

  private static func readMonthly(_ map: ConfigMap?) -> MonthlyQuotas {
    defer { map?.warnUnknown() }
    return MonthlyQuotas(
      tokens: map?.whole("tokens", atLeast: 0), audioSeconds: map?.whole("audio_seconds", atLeast: 0),
      videoMinutes: map?.whole("video_minutes", atLeast: 0), jobs: map?.whole("jobs", atLeast: 0))
  }

  private static func readRate(_ map: ConfigMap) -> RateLimit {
    defer { map.warnUnknown() }
    let rate = RateLimit(
      perMinute: map.whole("rpm", atLeast: 1), perSecond: map.whole("rps", atLeast: 1),
      burst: map.whole("burst", atLeast: 1))
    if rate.burst != nil, !map.has("rps") { map.warn("burst", "has no effect without rps") }
    return rate
  }

  private static func readCostCap(_ map: ConfigMap) -> TierPolicy.CostCap? {
    defer { map.warnUnknown() }
    let isHard = map.flag("hardStop", default: true)
    guard map.has("monthlyUsd") else {
      map.report.fault(map.path(of: "monthlyUsd"), "is missing; write the dollars a month", line: map.line)
      return nil
    }
    guard let dollars = map.decimal("monthlyUsd") else { return nil }
    guard let amount = Money(dollars: dollars) else {
      map.fault("monthlyUsd", "is too large; leave cost_caps out for no cap")
      return nil
    }
    return TierPolicy.CostCap(monthly: amount, isHard: isHard)
  }
}
