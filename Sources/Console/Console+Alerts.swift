package import Operations

extension Console {
  /// What is the matter, and what administrators were told.
  /// - Parameters:
  ///   - open: the longest first.
  ///   - recent: the newest first, with what is over.
  package static func alerts(
    open: [AlertRow], recent: [AlertRow], ledgerRefusal: String? = nil, _ chrome: Chrome
  ) -> String {
    let body = fields([
      "sentence": sentence(open.count, isKnown: ledgerRefusal == nil),
      "ledgerRefusal": ledgerRefusal,
      "open": open.map { row in
        fields([
          "message": row.message, "scope": row.scope, "since": Clock.shown(row.period), "action": row.action,
        ])
      },
      "hasOpen": !open.isEmpty,
      "alerts": recent.map { row in
        fields([
          "message": row.message, "scope": row.scope, "at": Clock.shown(row.time), "action": row.action,
          "severity": severity(of: row),
        ])
      },
      "hasAlerts": !recent.isEmpty,
    ])
    return Pages.page("alerts", "Alerts", at: "alerts", chrome, body)
  }

  private static func sentence(_ open: Int, isKnown: Bool) -> String {
    switch open {
    case 0: isKnown ? "Nothing is the matter" : "What is the matter is not known now"
    case 1: "One thing is the matter"
    default: "\(Figure.count(open)) things are the matter"
    }
  }

  private static func severity(of row: AlertRow) -> String {
    switch row.severity {
    case "error": "bad"
    case "warning": "warn"
    default: row.state == "recovered" ? "calm" : "ink"
    }
  }
}
