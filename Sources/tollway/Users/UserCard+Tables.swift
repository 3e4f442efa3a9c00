import Billing
import Contracts
import Operations

// The card on a terminal.

extension UserCard {
  func print() {
    var facts = Facts()
    facts.add("user", user)
    facts.add("tier", mayClaimTier ? "\(tier), unless the message claims another" : tier)
    facts.add("lane", lane)
    facts.add("in \(period)", "\(jobs) jobs, \(Money(costUsd)?.inTable ?? costUsd) USD")
    for (unit, quantity) in units.sorted(by: { $0.key < $1.key }) { facts.add("", "\(quantity) \(unit)") }
    facts.print()
    Output.line("")
    var table = Table(["LIMIT", .number("VALUE"), "FROM"])
    for limit in limits {
      let value = limit.value.map { text in limit.name == .monthlyUsd ? Money(text)?.inTable ?? text : text }
      table.add(.init(limit.name.rawValue), .init(value), .init(limit.value == nil ? "" : limit.origin.rawValue))
    }
    table.print()
    if let standing {
      Output.line("")
      standing.print(period)
    }
    guard !changes.isEmpty else { return }
    Output.line("")
    var audit = Table(["CHANGED", "BY", "BEFORE", "AFTER", "REASON"])
    for change in changes {
      audit.add(
        "\(change.at)", "\(change.by)", .init(change.before?.text), .init(change.after?.text), "\(change.reason)")
    }
    audit.print()
  }
}

extension AssignmentChange.Grant {
  fileprivate var text: String {
    [tier ?? "", overrides.text].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
