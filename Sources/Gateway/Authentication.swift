import Contracts
import Hummingbird

/// Finds out who asks and whether that may. A fleet without keys serves the local operator, and then only those who
/// name this machine as it is: a page of another site that is open in a browser here is nobody, and nobody comes through a
/// proxy.
struct Authentication: RouterMiddleware {
  let keys: KeyRing
  let scope: Scope
  /// Whether the key must be one for all users.
  var needsEverybody = false

  func handle(
    _ request: Request, context: GatewayContext, next: GatewayContext.Next
  ) async throws -> Response {
    let principal: Principal
    let secret = Self.secret(in: request.headers[.authorization])
    switch await keys.verdict(on: secret) {
    case .admitted(let known): principal = known
    case .refused: throw Problem(.unauthorized, "send Authorization: Bearer with a key of this fleet")
    case .unavailable(let time): throw Problem(.unavailable, "keys cannot be read for now", retryAfter: time)
    }
    if principal.keyID == nil { try Self.checkNeighbour(request) }
    guard principal.has(scope) else { throw Problem(.forbidden, "the key lacks the scope \(scope.rawValue)") }
    guard !needsEverybody || principal.users.isEverybody else {
      throw Problem(.forbidden, "the key is not one for all users")
    }
    var context = context
    context.principal = principal
    context.bytes?.belongs(to: principal.keyID)
    context.isStillAdmitted = { [keys] in await keys.verdict(on: secret) != .refused }
    context.notes.keyID = principal.keyID ?? "local"
    return try await next(request, context)
  }

  static func secret(in field: String?) -> String? {
    guard let field, field.prefix(7).lowercased() == "bearer " else { return nil }
    return String(field.dropFirst(7))
  }

  /// A name that was made to point here (DNS rebinding), what a proxy on this machine sends on for somebody elsewhere, or
  /// a request that another site's page sends, be it one that another program shows on this machine.
  static func checkNeighbour(_ request: Request) throws {
    guard let host = request.head.authority, GatewayAddress.isLoopback(authority: host) else {
      throw Problem(.misdirected, "without API keys only requests to localhost are answered")
    }
    guard !request.isPassedOn else {
      throw Problem(
        .forbidden, "without API keys nothing is answered that a proxy sends on; tollway keys create makes a key")
    }
    guard request.isOfThisSite else {
      throw Problem(.forbidden, "without API keys pages of other sites are not answered")
    }
  }
}
