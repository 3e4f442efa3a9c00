import Hummingbird
package import HTTPTypes

/// Every door of the gateway, in one list: the router, the OpenAPI document and the labels of the metrics are compared
/// with it.
package enum GatewayRoute: CaseIterable, Sendable {
  case createStory, story, storyEvents, cancelStory
  case submitJob, jobStatus, jobEvents, jobArtifact, cancelJob, userUsage, lanes, providers
  case adminFreeze, changeFreeze, holdProvider, releaseProvider
  case adminUsers, adminUser, assignUser, unassignUser
  case deadLetters, deadLetter, replayDead, blockedLetters, blockedLetter, releaseBlocked
  case alerts, changes, report
  case openAPI, health, readiness, metrics

  package var method: HTTPRequest.Method {
    switch self {
    case .submitJob, .createStory: .post
    case .cancelJob, .cancelStory: .delete
    case .story, .storyEvents, .jobStatus, .jobEvents, .jobArtifact, .userUsage, .lanes, .providers: .get
    case .adminFreeze, .adminUsers, .adminUser, .alerts, .changes, .report: .get
    case .deadLetters, .deadLetter, .blockedLetters, .blockedLetter: .get
    case .changeFreeze, .assignUser: .put
    case .unassignUser: .delete
    case .holdProvider, .releaseProvider, .replayDead, .releaseBlocked: .post
    case .openAPI, .health, .readiness, .metrics: .get
    }
  }

  /// As in an OpenAPI document: `{name}` stands for one segment.
  package var path: String {
    switch self {
    case .createStory: "/create-story"
    case .story, .cancelStory: "/v1/stories/{id}"
    case .storyEvents: "/v1/stories/{id}/events"
    case .submitJob: "/v1/jobs"
    case .jobStatus, .cancelJob: "/v1/jobs/{id}"
    case .jobEvents: "/v1/jobs/{id}/events"
    case .jobArtifact: "/v1/jobs/{id}/artifact"
    case .userUsage: "/v1/users/{id}/usage"
    case .lanes: "/v1/lanes"
    case .providers: "/v1/providers"
    case .adminFreeze, .changeFreeze: "/v1/admin/freeze"
    case .holdProvider: "/v1/admin/providers/{id}/hold"
    case .releaseProvider: "/v1/admin/providers/{id}/release"
    case .adminUsers: "/v1/admin/users"
    case .adminUser, .assignUser, .unassignUser: "/v1/admin/users/{id}"
    case .deadLetters: "/v1/admin/dead"
    case .deadLetter: "/v1/admin/dead/{id}"
    case .replayDead: "/v1/admin/dead/replay"
    case .blockedLetters: "/v1/admin/blocked"
    case .blockedLetter: "/v1/admin/blocked/{id}"
    case .releaseBlocked: "/v1/admin/blocked/release"
    case .alerts: "/v1/admin/alerts"
    case .changes: "/v1/admin/changes"
    case .report: "/v1/admin/report"
    case .openAPI: "/openapi.json"
    case .health: "/healthz"
    case .readiness: "/readyz"
    case .metrics: "/metrics"
    }
  }

  /// The methods that a path takes, HEAD included; empty for a path that is none. As the router has it, a name that stands
  /// in a path goes before `{name}`.
  static func methods(of path: Substring) -> [String] {
    let asked = path.split(separator: "/", omittingEmptySubsequences: true)
    let found = allCases.filter { route in
      let segments = route.path.split(separator: "/")
      return segments.count == asked.count && zip(segments, asked).allSatisfy { $0.first == "{" || $0 == $1 }
    }
    let exact = found.filter { !$0.path.contains("{") }
    let methods = Set(
      (exact.isEmpty ? found : exact).flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] })
    return methods.sorted()
  }
}
