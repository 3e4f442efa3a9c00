import Console
import Hummingbird
import HTTPTypes

/// Every door of the console, in one list. They speak HTML and are no part of the OpenAPI document; the metrics count all
/// of them as one.
package enum ConsoleRoute: CaseIterable, Sendable {
  case signIn, openSession, closeSession, style, script
  case plaza, events, finder, job, jobEvents, lane, providers, dead, blocked, plan, user, money, alerts, freeze, changes
  case cancelJob, hold, release, makePlan, carryOutPlan, setUser, unsetUser, switchFreeze

  /// The others are pages, streams and files.
  package var isForm: Bool {
    switch self {
    case .openSession, .closeSession: true
    default: isChange
    }
  }

  var method: HTTPRequest.Method { isForm ? .post : .get }

  /// Whether it changes something of the fleet, or prepares that: for administrators.
  package var isChange: Bool {
    switch self {
    case .cancelJob, .hold, .release, .makePlan, .carryOutPlan, .setUser, .unsetUser, .switchFreeze: true
    default: false
    }
  }

  /// As in `GatewayRoute`.
  package var path: String {
    Console.path + rest
  }

  private var rest: String {
    switch self {
    case .plaza: ""
    case .signIn, .openSession: "/sign-in"
    case .closeSession: "/sign-out"
    case .style: String(Console.cssPath.dropFirst(Console.path.count))
    case .script: String(Console.jsPath.dropFirst(Console.path.count))
    case .events: "/events"
    case .finder: "/jobs"
    case .job: "/jobs/{id}"
    case .jobEvents: "/jobs/{id}/events"
    case .cancelJob: "/jobs/{id}/cancel"
    case .lane: "/lanes/{id}"
    case .providers: "/providers"
    case .hold: "/providers/{id}/hold"
    case .release: "/providers/{id}/release"
    case .dead: "/dead"
    case .blocked: "/blocked"
    case .makePlan: "/plans"
    case .plan, .carryOutPlan: "/plans/{id}"
    case .user, .setUser: "/users/{id}"
    case .unsetUser: "/users/{id}/unset"
    case .money: "/money"
    case .alerts: "/alerts"
    case .freeze, .switchFreeze: "/freeze"
    case .changes: "/changes"
    }
  }

  /// Whether a path is one of the console's, whether or not there is a page.
  static func owns(_ path: String) -> Bool { path == Console.path || path.hasPrefix(Console.path + "/") }

  /// As `GatewayRoute.methods`.
  static func methods(of path: Substring) -> [String] {
    let asked = path.split(separator: "/")
    let found = allCases.filter { route in
      let segments = route.path.split(separator: "/")
      return segments.count == asked.count && zip(segments, asked).allSatisfy { $0.first == "{" || $0 == $1 }
    }
    return Set(found.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] }).sorted()
  }
}
