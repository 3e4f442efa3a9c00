import Hummingbird
package import HTTPTypes

/// Every door of the gateway, in one list: the router, the OpenAPI document and the labels of the metrics are compared
/// with it.
package enum GatewayRoute: CaseIterable, Sendable {
  case createStory, story, storyEvents, cancelStory
  case submitJob, jobStatus, jobEvents, jobArtifact, cancelJob, userUsage, lanes, providers
  case openAPI, health, readiness, metrics

  package var method: HTTPRequest.Method {
    switch self {
    case .submitJob, .createStory: .post
    case .cancelJob, .cancelStory: .delete
    case .story, .storyEvents, .jobStatus, .jobEvents, .jobArtifact, .userUsage, .lanes, .providers: .get
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
    case .openAPI: "/openapi.json"
    case .health: "/healthz"
    case .readiness: "/readyz"
    case .metrics: "/metrics"
    }
  }

  /// The methods that a path takes, HEAD included; empty for a path that is none.
  static func methods(of path: Substring) -> [String] {
    let asked = path.split(separator: "/", omittingEmptySubsequences: true)
    let found = allCases.filter { route in
      let segments = route.path.split(separator: "/")
      return segments.count == asked.count && zip(segments, asked).allSatisfy { $0.first == "{" || $0 == $1 }
    }
    let methods = Set(found.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] })
    return methods.sorted()
  }
}
