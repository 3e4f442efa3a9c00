import Contracts

/// What administrators are told of: `budgets`, `notify_admin`, and `service_level` of a tier.
extension PolicyFile {
  static func readBudgets(_ map: ConfigMap?, tiers: ConfigMap?, providers: ConfigMap?) -> Budgets {
    guard let map else { return Budgets() }
    defer { map.warnUnknown() }
    func each(_ key: String, _ known: ConfigMap?) -> [String: Money] {
      guard let budgets = map.map(key) else { return [:] }
      var amounts: [String: Money] = [:]
      for name in budgets.keys {
        let amount = budgets.map(name).flatMap(readBudget)
        if known?.has(name) ?? false {
          amounts[name] = amount
        } else {
          budgets.fault(name, "is not defined under \(key); define it there or correct the name")
        }
      }
      return amounts
    }
    return Budgets(
      fleet: map.map("fleet").flatMap(readBudget), tiers: each("tiers", tiers), providers: each("providers", providers))
  }

  private static func readBudget(_ map: ConfigMap) -> Money? {
    defer { map.warnUnknown() }
    guard map.has("monthlyUsd") else {
      map.report.fault(map.path(of: "monthlyUsd"), "is missing; write the dollars a month", line: map.line)
      return nil
    }
    guard let dollars = map.decimal("monthlyUsd") else { return nil }
    guard let amount = Money(dollars: dollars) else {
      map.fault("monthlyUsd", "is too large; leave the budget out for none")
      return nil
    }
    return amount
  }

  static func readNotify(_ map: ConfigMap?) -> NotifyAdmin {
    var notify = NotifyAdmin()
    guard let map else { return notify }
    defer { map.warnUnknown() }
    notify.log = map.flag("log", default: notify.log)
    if let variable = map.text("webhook_env") {
      if isVariableName(variable) {
        notify.webhookEnvironment = variable
      } else {
        map.fault("webhook_env", "must be the name of an environment variable, never the address itself")
      }
    }
    notify.ledgerLag = readSpan(map, "ledger_lag") ?? notify.ledgerLag
    notify.deadLetters = map.whole("dead_letters", atLeast: 0) ?? notify.deadLetters
    notify.providerLatency = readSpan(map, "provider_latency")
    return notify
  }

  static func readServiceLevel(_ map: ConfigMap) -> Duration? {
    defer { map.warnUnknown() }
    if !map.has("waitP95") {
      map.report.fault(map.path(of: "waitP95"), "is missing; write a duration like 30s", line: map.line)
    }
    return readSpan(map, "waitP95")
  }

  /// Longer ones would never be told of.
  private static let longestSpan = Duration.seconds(24 * 3600)

  private static func readSpan(_ map: ConfigMap, _ key: String) -> Duration? {
    guard let text = map.text(key) else { return nil }
    if let duration = duration(text), duration <= longestSpan { return duration }
    map.fault(key, "must be a duration from 1ms to 24h, like 30s, 2m or 500ms")
    return nil
  }
}
