import Admission
import Catalog
import Contracts
import Hummingbird
import Logging

/// Reads the message of a request and finds out for which user it is, whether the key may act for that user, and which
/// policy holds: the tier as a worker resolves it, with the user's own limits.
struct PolicyResolver: RouterMiddleware {
  let entitlements: Gathering<String, [UInt8]?>
  /// Nil where nothing is laid down. Half a second, so that a change is live within one.
  private let known = BriefMemory<String, Entitlement?>(lifetime: .milliseconds(500), capacity: 8192)
  let policy: @Sendable () -> Policy
  let logger: Logger

  init(
    entitlements: Gathering<String, [UInt8]?>, policy: @escaping @Sendable () -> Policy, logger: Logger
  ) {
    self.entitlements = entitlements
    self.policy = policy
    self.logger = logger
  }

  func handle(
    _ request: Request, context: GatewayContext, next: GatewayContext.Next
  ) async throws -> Response {
    let message = try await Self.message(of: request)
    guard let userID = message.root["userId"]?.string, Identifier.isValid(userID) else {
      throw Problem(
        .invalidMessage, "userId: must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -", member: "userId")
    }
    guard let principal = context.principal, principal.users.allows(userID) else {
      throw Problem(.forbidden, "the key may not act for this user")
    }
    let entitlement = if let known = known.value(of: userID) { known } else { try await entitlement(of: userID) }
    let claimed = message.root["userTier"]?.string
    var context = context
    context.order = GatewayContext.Order(
      message: message, userID: userID,
      tier: policy().effectiveTier(assigned: entitlement?.tier, claimed: claimed).granting(entitlement))
    return try await next(request, context)
  }

  /// - Parameter missing: answers a request without any body.
  static func message(of request: Request, missing: Problem = .noBody) async throws -> JSONDocument {
    // A browser sends bodies without a type for any page, without asking first.
    guard let type = request.headers[.contentType] ?? (request.headers[.origin] == nil ? json : nil), isJSON(type)
    else {
      throw Problem(.unsupportedMediaType, "send application/json")
    }
    if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
      throw Problem(.unsupportedMediaType, "send the body without a content encoding")
    }
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > JobMessage.maximumBytes {
      throw Problem.bodyTooLarge
    }
    let body = try await request.body.collect(upTo: JobMessage.maximumBytes)
    guard body.readableBytes > 0 else { throw missing }
    do {
      let document = try JSONParser.parse(Array(body.readableBytesView))
      guard document.root.isObject else { throw Problem(.invalidMessage, "not a JSON object") }
      return document
    } catch let fault as JSONFault {
      throw Problem(.invalidMessage, "not valid JSON: \(fault)")
    }
  }

  private static let json = "application/json"

  private static func isJSON(_ type: String) -> Bool {
    type == json || type.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" } == json
  }

  /// As it is laid down now.
  func entitlement(of user: String) async throws -> Entitlement? {
    let time = ContinuousClock.now
    let row: [UInt8]?
    do {
      row = try await entitlements.ask(user)
    } catch {
      throw Problem.admissionUnreachable
    }
    let entitlement = Entitlement.stored(row, logger: logger)
    known.keep(entitlement, of: user, readAt: time)
    return entitlement
  }
}

extension Problem {
  static let noBody = Problem(.invalidMessage, "the body is empty, and must be a JSON object")
  static let admissionUnreachable = Problem(
    .unavailable, "limits cannot be asked for now: nothing was taken", retryAfter: .seconds(1))
}
