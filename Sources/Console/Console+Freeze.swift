package import Operations

extension Console {
  /// Whether the versions of models are frozen, and which.
  package static func freeze(_ card: FreezeCard, refusal: String? = nil, _ chrome: Chrome) -> String {
    page(card, isConfirming: false, refusal, chrome)
  }

  /// The same, with the form that turns it on or off.
  /// - Parameter state: `on` or `off`, what it shall be.
  package static func freezeConfirm(
    _ card: FreezeCard, state: String, refusal: String? = nil, _ chrome: Chrome
  ) -> String {
    page(card, isConfirming: state != card.state, refusal, chrome)
  }

  private static func page(_ card: FreezeCard, isConfirming: Bool, _ refusal: String?, _ chrome: Chrome) -> String {
    let isOn = card.state == "on"
    let next = isOn ? "off" : "on"
    let body = fields([
      "refusal": refusal, "severity": isOn ? "ink" : "calm",
      "sentence": isOn
        ? "Models are frozen\(card.duration.map { ", for \($0)" } ?? "")" : "Models follow their providers: no freeze",
      "facts": facts(card), "confirming": isConfirming, "next": next, "title": isOn ? "Unfreeze" : "Freeze",
      "nextHref": "\(link("freeze"))?state=\(next)", "hasVersions": !card.versions.isEmpty,
      "versions": card.versions.map { held in
        fields(["provider": held.provider, "task": held.task, "model": held.model, "version": held.version])
      },
      "hasChanges": !card.changes.isEmpty,
      "changes": card.changes.map { change in
        fields(["at": Clock.shown(change.at), "state": change.state, "actor": change.by, "reason": change.reason])
      },
    ])
    return Pages.page("freeze", "Freeze", at: "freeze", chrome, body)
  }

  private static func facts(_ card: FreezeCard) -> [Fields] {
    let copy =
      switch card.redis {
      case .agrees where card.state == "on": "keep to the versions below"
      case .agrees: "take what the policy file says"
      case .differs: "do not know of it yet: set it again"
      case .unknown: "not known: Redis, which tells them, does not answer"
      }
    return [("since", card.since), ("by", card.by), ("why", card.reason), ("workers", copy)].compactMap { name, value in
      value.map { ["name": name, "value": $0] }
    }
  }
}
