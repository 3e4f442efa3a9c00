package import Contracts

// How administrators are told that a condition began or is over.

extension Condition {
  /// As columns of `alert` and as a message; the same whenever it is made of the same change.
  struct Telling {
    let scope: String
    /// When it began: a condition that comes back is another one.
    let period: String
    let kind: String
    /// 100 when it begins, 0 when it is over.
    let threshold: Int
    let severity: Alert.Severity
    let body: [UInt8]
    let time: Timestamp

    var stored: StoredAlert {
      StoredAlert(
        id: "\(scope)/\(period)/\(kind)/\(threshold)", routingKey: "\(severity.rawValue).\(kind)", body: body,
        createdAt: time)
    }

    func values(at time: Timestamp) -> [SQLValue] {
      [
        .text(scope), .text(period), .text(kind), SQLValue(threshold), .text(severity.rawValue), .bytes(body),
        SQLValue(time),
      ]
    }
  }

  /// As it goes out while the ledger cannot be written.
  package func unwritten(_ figures: ConditionFigures?) -> StoredAlert { raised(figures).stored }

  func raised(_ figures: ConditionFigures?) -> Telling {
    telling(
      threshold: 100, severity: severity, state: "raised", message: reason(figures), action: action, figures: figures,
      at: since)
  }

  func recovered(at time: Timestamp) -> Telling {
    let length = Duration.milliseconds(max(0, time.milliseconds - since.milliseconds))
    return telling(
      threshold: 0, severity: .info, state: "recovered",
      message: "\(relief), after \(length.milliseconds / 1000) s", action: nil, figures: nil, at: time)
  }

  private func telling(
    threshold: Int, severity: Alert.Severity, state: String, message: String, action: String?,
    figures: ConditionFigures?, at time: Timestamp
  ) -> Telling {
    var json = JSONWriter(capacity: 512)
    json.literal("{")
    json.member("kind", key.kind.rawValue)
    json.member("severity", severity.rawValue)
    json.member("scope", key.subject.description)
    json.member("state", state)
    json.member("message", message)
    json.member("action", action)
    switch key.subject {
    case .provider(let scope): json.member("provider", scope)
    case .lane(let lane): json.member("lane", lane.rawValue)
    case .fleet: break
    }
    json.member("period", since)
    json.member("threshold", Int64(threshold))
    if let figures {
      json.member("unit", figures.unit)
      json.member("limit", figures.limit)
      json.member("used", figures.found)
    }
    json.member("time", time)
    json.literal("}")
    return Telling(
      scope: key.subject.description, period: since.description, kind: key.kind.rawValue, threshold: threshold,
      severity: severity, body: json.bytes, time: time)
  }

  private var severity: Alert.Severity {
    switch key.kind {
    case .providerFunds, .providerAccount, .ledgerLag, .ledgerQuarantine, .broker: .error
    case .providerGone, .breakerOpen, .providerLatency, .laneWait, .deadLetters: .warning
    }
  }

  /// Of the provider; a model's is behind a slash. The lane's name, else nothing.
  private var name: String {
    switch key.subject {
    case .fleet: ""
    case .lane(let lane): lane.rawValue
    case .provider(let scope): String(scope.prefix { $0 != "/" })
    }
  }

  private var model: String? {
    guard case .provider(let scope) = key.subject, let slash = scope.firstIndex(of: "/") else { return nil }
    return String(scope[scope.index(after: slash)...])
  }

  private var provider: String { model.map { "provider \(name), model \($0)," } ?? "provider \(name)" }

  private func reason(_ figures: ConditionFigures?) -> String {
    let found = figures?.found ?? "?"
    let limit = figures?.limit ?? "?"
    return switch key.kind {
    case .providerFunds: "no money is left at provider \(name)"
    case .providerAccount: "provider \(name) refuses the key or the account"
    case .providerGone: "provider \(name) no longer has the model \(model ?? "")"
    case .breakerOpen: "\(provider) rests: its calls fail, or it asked to be left alone"
    case .providerLatency: "of 100 calls of provider \(name) 5 took \(found) s or longer, more than \(limit) s"
    case .laneWait: "jobs of lane \(name) wait up to \(found) s for a slot, more than the \(limit) s they were promised"
    case .deadLetters: "\(found) new dead letters within five minutes, more than \(limit)"
    case .ledgerLag: "cost events have been waiting for \(found) s to be booked, more than \(limit) s"
    case .ledgerQuarantine: "cost events came that cannot be booked; they are in quarantine"
    case .broker: "the broker has taken no messages for \(found) s: it is gone, or out of memory or disk"
    }
  }

  private var relief: String {
    switch key.kind {
    case .providerFunds, .providerAccount, .providerGone, .breakerOpen: "\(provider) serves again"
    case .providerLatency: "calls of provider \(name) are fast enough again"
    case .laneWait: "jobs of lane \(name) start in time again"
    case .deadLetters: "no more new dead letters than usual"
    case .ledgerLag: "cost events are booked in time again"
    case .ledgerQuarantine: "no further cost event had to be quarantined"
    case .broker: "the broker takes messages again"
    }
  }

  private var action: String {
    switch key.kind {
    case .providerFunds, .providerAccount, .providerGone: "put it right there, then: tollway providers release \(name)"
    case .breakerOpen: "tollway providers shows since when; it is tried again by itself"
    case .providerLatency: "tollway providers; tollway providers hold \(name) --reason slow sends jobs elsewhere"
    case .laneWait: "tollway lanes; start more workers, or give them more slots"
    case .deadLetters: "tollway dead list"
    case .ledgerLag: "see the log of tollway billing, and tollway doctor"
    case .ledgerQuarantine:
      "tollway ledger quarantine says why: somebody else publishes to the exchange costs, or a worker errs"
    case .broker: "tollway doctor; rabbitmqctl list_alarms says whether it is out of memory or disk"
    }
  }
}

extension StoredAlert {
  /// One that is told before the ledger has it.
  package init(id: String, routingKey: String, body: [UInt8], createdAt: Timestamp) {
    number = 0
    self.id = id
    self.routingKey = routingKey
    self.body = body
    self.createdAt = createdAt
  }
}
