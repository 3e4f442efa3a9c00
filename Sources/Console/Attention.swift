import Billing
import Contracts
import Operations

/// Something that an operator should know, with the page that tells more.
struct Attention {
  let text: String
  let severity: String
  let href: String?

  var asFields: Fields { fields(["text": text, "state": severity, "href": href]) }

  /// The worst first.
  static func all(of sample: FleetSample) -> [Attention] {
    var found: [Attention] = []
    for (name, source) in [("Redis", sample.redis), ("The broker", sample.broker), ("The ledger", sample.ledger)] {
      guard let since = source.awaySince else { continue }
      let why = source.why.map { ": \($0)" } ?? ""
      found.append(
        Attention(text: "\(name) does not answer since \(Clock.second(since)) UTC\(why)", severity: "bad", href: nil))
    }
    found += sample.notices.map { Attention(text: $0, severity: "bad", href: nil) }
    found += (sample.conditions ?? []).map { condition in
      Attention(
        text: "\(words(condition.key)) for \(condition.since.words(until: sample.time))", severity: "bad",
        href: Console.link("alerts"))
    }
    if sample.deadGrowth > 0 {
      found.append(
        Attention(
          text: "\(Figure.count(sample.deadGrowth, "new dead letter")) within five minutes", severity: "warn",
          href: Console.link("dead")))
    }
    if sample.freeze.isOn == true {
      let by = sample.freeze.by.map { " by \($0)" } ?? ""
      let since = sample.freeze.since.map { " for \($0.words(until: sample.time))" } ?? ""
      found.append(
        Attention(text: "Models are frozen\(by)\(since)", severity: "ink", href: Console.link("freeze")))
    }
    found += sample.providers.filter { $0.row.model == nil && $0.row.state == .held }.map { provider in
      let row = provider.row
      return Attention(
        text: "\(row.provider) is held\(row.by.map { " by \($0)" } ?? "")\(row.note.map { ": \($0)" } ?? "")",
        severity: "ink", href: Console.link("providers"))
    }
    if let near = sample.money?.usersNearLimit, near > 0 {
      found.append(
        Attention(
          text: "\(Figure.count(near, "user")) at 80 % or more of a cap or quota", severity: "warn",
          href: Console.link("money")))
    }
    found += (sample.money?.budgets ?? []).filter { $0.percent >= 80 }.map { budget in
      Attention(
        text: "Budget of \(budget.scope): \(budget.percent) % spent", severity: budget.percent >= 100 ? "bad" : "warn",
        href: Console.link("money"))
    }
    return found
  }

  private static func words(_ key: Condition.Key) -> String {
    let scope = key.subject == .fleet ? "" : " (\(key.subject))"
    return switch key.kind {
    case .providerFunds: "No money is left at a provider\(scope)"
    case .providerAccount: "A provider refuses the key or the account\(scope)"
    case .providerGone: "A provider no longer has a model\(scope)"
    case .breakerOpen: "A provider or a model rests\(scope)"
    case .providerLatency: "A provider is slow\(scope)"
    case .laneWait: "Jobs wait longer than was promised\(scope)"
    case .deadLetters: "Dead letters grow"
    case .ledgerLag: "Costs wait to be booked"
    case .ledgerQuarantine: "Costs that cannot be booked are in quarantine"
    case .broker: "The broker takes no messages"
    }
  }
}
