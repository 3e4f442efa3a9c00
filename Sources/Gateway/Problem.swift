import Contracts
import Hummingbird

/// Why a request was not answered as it wished, as RFC 9457 says it. Details name members and limits, never what the
/// request held.
package struct Problem: Error, Sendable, Hashable {
  /// The raw value ends the problem's type, `urn:tollway:problem:<code>`.
  package enum Code: String, Sendable, CaseIterable {
    case badRequest = "bad-request"
    case unauthorized
    case costCapReached = "cost-cap-reached"
    case forbidden
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case timeout
    case idConflict = "id-conflict"
    case alreadyEnded = "already-ended"
    case tooLarge = "too-large"
    case unsupportedMediaType = "unsupported-media-type"
    case rangeNotSatisfiable = "range-not-satisfiable"
    case misdirected
    case invalidMessage = "invalid-message"
    case rateLimited = "rate-limited"
    case quotaExceeded = "quota-exceeded"
    case headersTooLarge = "headers-too-large"
    case `internal`
    case unavailable

    package var status: Int {
      switch self {
      case .badRequest: 400
      case .unauthorized: 401
      case .costCapReached: 402
      case .forbidden: 403
      case .notFound: 404
      case .methodNotAllowed: 405
      case .timeout: 408
      case .idConflict, .alreadyEnded: 409
      case .tooLarge: 413
      case .unsupportedMediaType: 415
      case .rangeNotSatisfiable: 416
      case .misdirected: 421
      case .invalidMessage: 422
      case .rateLimited, .quotaExceeded: 429
      case .headersTooLarge: 431
      case .internal: 500
      case .unavailable: 503
      }
    }

    var title: StaticString {
      switch self {
      case .badRequest: "The request is not understood"
      case .unauthorized: "A valid API key is needed"
      case .costCapReached: "The cost cap of the month is reached"
      case .forbidden: "The API key does not allow this"
      case .notFound: "There is nothing here"
      case .methodNotAllowed: "The method is not supported here"
      case .timeout: "The request did not arrive in time"
      case .idConflict: "The id belongs to another job"
      case .alreadyEnded: "It has ended already"
      case .tooLarge: "The body is too large"
      case .unsupportedMediaType: "The body is not JSON"
      case .rangeNotSatisfiable: "The file has no such range"
      case .misdirected: "The host name is not one of this machine"
      case .invalidMessage: "The message is not valid"
      case .rateLimited: "Too many requests"
      case .quotaExceeded: "A quota of the month is used up"
      case .headersTooLarge: "The header fields are too large"
      case .internal: "Something went wrong here"
      case .unavailable: "The fleet cannot be reached for now"
      }
    }
  }

  package var code: Code
  package var detail: String
  /// The member of the message that is wrong.
  package var member: String?
  /// The limit that is met.
  package var limit: String?
  package var retryAfter: Duration?
  /// Of the job that it is about, where the sender may not know it.
  package var jobID: String?
  var headers: HTTPFields = [:]

  package init(
    _ code: Code, _ detail: String, member: String? = nil, limit: String? = nil, retryAfter: Duration? = nil
  ) {
    self.code = code
    self.detail = detail
    self.member = member
    self.limit = limit
    self.retryAfter = retryAfter
  }

  /// - Parameter instance: id of the request.
  package func encoded(instance: String) -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.literal("{")
    json.member("type", "urn:tollway:problem:\(code.rawValue)")
    json.key("title")
    json.literal("\"")
    json.literal(code.title)
    json.literal("\"")
    json.member("status", Int64(code.status))
    json.member("detail", detail)
    if let member { json.member("member", member) }
    if let limit { json.member("limit", limit) }
    if let jobID { json.member("jobId", jobID) }
    json.member("instance", instance)
    json.literal("}")
    return json.bytes
  }

  func response(instance: String) -> Response {
    var fields = headers
    fields[.contentType] = "application/problem+json"
    if let retryAfter { fields[.retryAfter] = String(max(1, (retryAfter.milliseconds + 999) / 1000)) }
    if code == .unauthorized { fields[.wwwAuthenticate] = "Bearer" }
    let body = ByteBuffer(bytes: encoded(instance: instance))
    return Response(status: .init(code: code.status), headers: fields, body: .init(byteBuffer: body))
  }
}
