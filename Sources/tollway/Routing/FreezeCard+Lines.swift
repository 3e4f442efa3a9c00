import Operations

// The freeze on a terminal.

extension FreezeCard {
  func print() {
    for line in lines(.output) { Output.line(line) }
  }

  func lines(_ style: Style) -> [String] {
    var facts = Facts()
    facts.add(
      "freeze", duration.map { "\(state), for \($0), since \(since ?? "")" } ?? state, id == nil ? nil : .yellow)
    facts.add("by", by)
    if let reason, !reason.isEmpty { facts.add("reason", reason) }
    if id != nil { facts.add("versions", "\(versions.count) held") }
    switch redis {
    case .agrees: facts.add("workers", "follow: Redis has the same")
    case .differs: facts.add("workers", "Redis has it otherwise: tollway freeze \(state) again mends it", .red)
    case .unknown: facts.add("workers", "not known, Redis does not answer", .yellow)
    }
    var lines = facts.lines(style)
    if !versions.isEmpty {
      var table = Table(["PROVIDER", "TASK", "MODEL", "VERSION"])
      for held in versions {
        table.add("\(held.provider)", "\(held.task)", "\(held.model)", .init(held.version))
      }
      lines += [""] + table.lines(style)
    }
    if !changes.isEmpty {
      var table = Table(["CHANGED", "FREEZE", "BY", "REASON"])
      for change in changes { table.add("\(change.at)", "\(change.state)", "\(change.by)", "\(change.reason)") }
      lines += [""] + table.lines(style)
    }
    return lines
  }
}
