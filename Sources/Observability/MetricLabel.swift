import Contracts

/// A label and the values it may take. Values that are not in the set are counted as `other`: an id or a name that
/// somebody made up can never become a series.
package enum MetricLabel: String, Sendable, CaseIterable {
  case lane, tier, task, provider, status, outcome, verdict, reason, kind, wire, condition, route

  package static let other = "other"

  /// The values that are part of the program; nil for those that the policy file names.
  package var fixedValues: [String]? {
    switch self {
    case .tier, .provider: nil
    // Besides the lanes the queue of messages with any other routing key.
    case .lane: Lane.allCases.map(\.rawValue) + ["intake"]
    case .task: TaskType.allCases.map(\.rawValue)
    // How a run ended, or the status of an HTTP answer.
    case .status:
      RunStatus.allCases.map(\.rawValue) + [
        "200", "202", "204", "206", "304", "400", "401", "402", "403", "404", "405", "408", "409", "413", "415", "416",
        "421", "422", "429", "431", "500", "503",
      ]
    // Paths of the gateway, as its OpenAPI document writes them; all pages of the console are one.
    case .route:
      [
        "/create-story", "/v1/stories/{id}", "/v1/stories/{id}/events", "/v1/jobs", "/v1/jobs/{id}",
        "/v1/jobs/{id}/events", "/v1/jobs/{id}/artifact", "/v1/users/{id}/usage", "/v1/lanes", "/v1/providers",
        "/v1/admin/freeze", "/v1/admin/providers/{id}/hold", "/v1/admin/providers/{id}/release", "/v1/admin/users",
        "/v1/admin/users/{id}", "/v1/admin/dead", "/v1/admin/dead/{id}", "/v1/admin/dead/replay", "/v1/admin/blocked",
        "/v1/admin/blocked/{id}", "/v1/admin/blocked/release", "/v1/admin/alerts", "/v1/admin/changes",
        "/v1/admin/report",
        "/openapi.json", "/console", "/healthz", "/readyz", "/metrics",
      ]
    case .outcome: AttemptOutcome.allCases.map(\.rawValue)
    // What a delivery came to: its run ended; it waits; it went to another lane; it was known already; it became a
    // dead or a blocked letter; it went back to its lane untouched.
    case .verdict: ["done", "handed_back", "parked", "moved", "absorbed", "dead", "blocked", "returned"]
    // What a job waits for: a limit of its user, Redis after a loss, its own wish, another delivery of it, its
    // providers, other jobs; or a slot.
    case .reason:
      [
        "concurrency", "rate", "money_reserved", "quota_reserved", "catching_up", "not_before", "running_elsewhere",
        "provider_resting", "parents", "slot",
      ]
    // Absorbed deliveries of a job, events announced again, cost events the ledger had, same id with other content.
    case .kind: ["delivery", "announcement", "cost_event", "conflict"]
    case .wire: ["amqp", "redis"]
    case .condition:
      [
        "provider_funds", "provider_account", "provider_gone", "breaker_open", "provider_latency", "lane_wait",
        "dead_letters", "ledger_lag", "ledger_quarantine", "broker",
      ]
    }
  }
}
