import AMQP
import Billing
import Contracts
import Gateway
import HTTPTypes
import NIOHTTP1
import Operations

@testable import Lanes

extension GatewayBench {
  /// Puts a letter of a job among the dead or the blocked ones, as a worker does.
  func letter(_ id: String, _ code: EndCode, user: String = "ana") async throws {
    var properties = AMQPProperties()
    properties.headers[Header.reason] = .string(code.rawValue)
    properties.headers[Header.run] = .string("r1")
    properties.headers[Header.lane] = .string(Lane.low.rawValue)
    properties.headers["x-secret-of-the-sender"] = .string("a sender's secret")
    let queue = code.resting == .blocked ? broker.topology.blocked : broker.topology.dead
    let letter = Dispatch(
      exchange: "", routingKey: queue, mandatory: true, properties: properties,
      body: Array(echo(id, user: user).utf8))
    try await broker.withCourier { try await $0.send([letter]) }
  }

  func put(_ path: String, _ body: String, headers: [String: String] = [:]) async throws -> Answer {
    try await send(path, method: .PUT, body, headers: headers)
  }

  func post(_ path: String, _ body: String, headers: [String: String] = [:]) async throws -> Answer {
    try await send(path, method: .POST, body, headers: headers)
  }

  /// `act target by reason` of every change by hand, newest first.
  func changes() async throws -> [String] {
    try await ledger.ledger().auditTrail(limit: 100).map { "\($0.act) \($0.target) \($0.by) \($0.reason)" }
  }
}

/// A request of an administrator.
struct AdminRequest: Sendable {
  let method: HTTPMethod
  let path: String
  /// Without the braces; empty for one that only reads.
  let members: String

  var body: String? { method == .GET ? nil : "{" + (members.isEmpty ? "" : members + ",") + #""reason":"trial"}"# }

  static let readings = all.filter { $0.method == .GET }
  static let changes = all.filter { $0.method != .GET }

  /// One of each route, as far as `/v1/admin` goes.
  static let all = GatewayRoute.allCases.filter { $0.path.hasPrefix("/v1/admin/") }.map { route in
    AdminRequest(
      method: HTTPMethod(rawValue: route.method.rawValue),
      path: route.path.replacing("{id}", with: route.path.contains("providers") ? "echo" : "ana"),
      members: members(of: route))
  }

  private static func members(of route: GatewayRoute) -> String {
    switch route {
    case .changeFreeze: #""state":"on""#
    case .assignUser: #""tier":"PRO""#
    case .replayDead, .releaseBlocked: #""ids":["ana"]"#
    default: ""
    }
  }
}
