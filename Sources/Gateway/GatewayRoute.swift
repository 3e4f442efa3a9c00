import Hummingbird
package import HTTPTypes

/// Every door of the gateway, in one list: the router, the OpenAPI document and the labels of the metrics are compared
/// with it.
package enum GatewayRoute: CaseIterable, Sendable {
  case submitJob, openAPI, health, readiness, metrics

  package var method: HTTPRequest.Method {
    switch self {
    case .submitJob: .post
    case .openAPI, .health, .readiness, .metrics: .get
    }
  }

  /// As in an OpenAPI document: `{name}` stands for one segment.
  package var path: String {
    switch self {
    case .submitJob: "/v1/jobs"
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
