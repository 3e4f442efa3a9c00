import AMQP
import AsyncHTTPClient
import Contracts
import Foundation
import Gateway
import NIOCore
import NIOHTTP1
import TestKit
import Testing

@testable import Lanes

/// Somebody with a browser: keeps the session's cookie and the token of the last page, and follows nothing by itself.
final class ConsoleBrowser {
  private let bench: GatewayBench
  private let client: HTTPClient
  private(set) var cookie: String?
  private(set) var token: String?

  private init(_ bench: GatewayBench, _ client: HTTPClient) {
    self.bench = bench
    self.client = client
  }

  static func with(_ bench: GatewayBench, _ body: (ConsoleBrowser) async throws -> Void) async throws {
    let client = HTTPClient(
      eventLoopGroupProvider: .singleton, configuration: .init(redirectConfiguration: .disallow))
    let outcome: Result<Void, any Error>
    do {
      try await body(ConsoleBrowser(bench, client))
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await client.shutdown()
    try outcome.get()
  }

  func get(_ path: String, headers: [String: String] = [:]) async throws -> GatewayBench.Answer {
    try await send(.GET, path, nil, headers)
  }

  /// A form as this browser sends it, with the last page's token unless another is given.
  func post(
    _ path: String, _ fields: [(String, String)] = [], token: String? = nil, headers: [String: String] = [:]
  ) async throws -> GatewayBench.Answer {
    let all = fields + [("token", token ?? self.token ?? "")]
    let body = all.map { "\($0.0)=\(Self.encoded($0.1))" }.joined(separator: "&")
    return try await send(.POST, path, body, ["Sec-Fetch-Site": "same-origin"].merging(headers) { $1 })
  }

  /// - Parameter header: that of a key, as `GatewayBench.key` makes it.
  @discardableResult
  func signIn(_ header: [String: String]) async throws -> GatewayBench.Answer {
    let key = String((header["Authorization"] ?? "").dropFirst("Bearer ".count))
    let answer = try await post("/console/sign-in", [("key", key)])
    if answer.status == 303 { _ = try await get("/console") }
    return answer
  }

  /// Takes over another browser's cookie.
  func steal(_ cookie: String?) { self.cookie = cookie }

  private func send(
    _ method: HTTPMethod, _ path: String, _ body: String?, _ headers: [String: String]
  ) async throws -> GatewayBench.Answer {
    var request = HTTPClientRequest(url: bench.base + path)
    request.method = method
    if let cookie { request.headers.add(name: "Cookie", value: cookie) }
    if let body {
      request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
      request.body = .bytes(ByteBuffer(string: body))
    }
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    let response = try await client.execute(request, timeout: .seconds(60))
    let bytes = try await response.body.collect(upTo: 4 << 20)
    let answer = GatewayBench.Answer(
      status: Int(response.status.code), headers: response.headers, text: String(buffer: bytes))
    if let field = answer.field("set-cookie") {
      let pair = String(field.prefix { $0 != ";" })
      cookie = pair.hasSuffix("=") ? nil : pair
    }
    if let found = answer.text.firstMatch(of: /name="token" value="([^"]+)"/) { token = String(found.1) }
    return answer
  }

  private static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }
}

extension GatewayBench {
  /// Dead letters of jobs of these ids, as a worker writes them.
  func bury(_ ids: [String], user: String = "ana", run: String = "r1") async throws {
    try await broker.withCourier { courier in
      try await courier.send(
        ids.map { id in
          var properties = AMQPProperties()
          properties.headers[Header.reason] = .string(EndCode.providerFailed.rawValue)
          properties.headers[Header.detail] = .string("the provider failed")
          properties.headers[Header.attempts] = .int(1)
          properties.headers[Header.run] = .string(run)
          properties.headers[Header.lane] = .string(Lane.low.rawValue)
          return Dispatch(
            exchange: "", routingKey: broker.topology.dead, mandatory: true, properties: properties,
            body: Array(echo(id, user: user).utf8))
        })
    }
  }
}
