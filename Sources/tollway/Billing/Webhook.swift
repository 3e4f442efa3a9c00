import AsyncHTTPClient
import Billing
import Catalog
import Contracts
import Logging
import NIOCore
import NIOHTTP1

/// Tells a webhook of one alert at a time: an HTTP POST that Slack and its like take as it is, with the alert's own
/// members beside the text for programs. Follows no redirects and keeps nothing of what is answered. The address is a
/// secret and never stands in a log.
struct Webhook: Sendable {
  enum Outcome: Sendable, Equatable {
    case accepted
    /// It will never take this alert.
    case refused(String)
    /// It may take it later, after this long at the earliest where it says so.
    case failed(String, after: Duration?)
  }

  private static let timeout: TimeAmount = .seconds(5)
  private static let longestWait: Duration = .seconds(600)

  private let client: HTTPClient

  init() {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow, timeout: .init(connect: Self.timeout), decompression: .disabled)
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Call once, after the last alert.
  func shutdown() async throws { try await client.shutdown() }

  func tell(_ alert: StoredAlert, at address: String) async -> Outcome {
    var request = HTTPClientRequest(url: address)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/json")
    request.headers.add(name: "User-Agent", value: "tollway/\(Version.text)")
    request.body = .bytes(Self.body(alert))
    do {
      let response = try await client.execute(request, timeout: Self.timeout)
      return Self.outcome(of: response.status.code, retryAfter: response.headers.first(name: "Retry-After"))
    } catch {
      return .failed("\(type(of: error))", after: nil)
    }
  }

  /// `text` and `id` in front of the alert's members.
  static func body(_ alert: StoredAlert) -> [UInt8] {
    var json = JSONWriter(capacity: alert.body.count + 512)
    json.literal("{")
    json.member("text", AlertText(alert).chat)
    json.member("id", alert.id)
    json.literal(",")
    json.raw(alert.body.dropFirst())
    return json.bytes
  }

  /// A key or an address that is wrong can be put right, and then the alert is still news; one whose form is refused
  /// would hold up all behind it.
  static func outcome(of status: UInt, retryAfter: String?) -> Outcome {
    switch status {
    case 200..<300: .accepted
    case 400, 413, 415, 422: .refused("status \(status)")
    default:
      .failed(
        "status \(status)",
        after: retryAfter.flatMap { Int64($0) }.map { min(longestWait, .seconds(max(0, min($0, 3600)))) })
    }
  }
}

/// Where the webhook is, or why there is none.
enum WebhookAddress: Equatable {
  case none
  case unusable(String)
  case known(String)

  static func look(_ policy: Policy, environment: [String: String]) -> WebhookAddress {
    guard let variable = policy.notify.webhookEnvironment else { return .none }
    guard let address = environment[variable], !address.isEmpty else { return .unusable("\(variable) is not set") }
    if let fault = BaseURL.fault(in: address, plainHTTPHosts: policy.plainHTTPHosts, allowsQuery: true) {
      return .unusable("\(variable) \(fault)")
    }
    return .known(address)
  }
}
