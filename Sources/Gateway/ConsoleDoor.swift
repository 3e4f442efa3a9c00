import Contracts
import Hummingbird

/// Finds out who looks at the console: whoever is signed in, shows a key with the request, or is the local operator of a
/// fleet without keys. Everybody there may read everything; a key that may not is told so. What goes wrong behind the door
/// becomes a page.
struct ConsoleDoor: RouterMiddleware {
  let keys: KeyRing
  let sessions: ConsoleSessions
  let frame: ConsoleFrame

  func handle(
    _ request: Request, context: GatewayContext, next: GatewayContext.Next
  ) async throws -> Response {
    let visitor = try await visitor(of: request)
    let principal: Principal
    switch visitor.verdict {
    case .admitted(let known): principal = known
    case .refused: throw Problem(.unauthorized, "sign in first")
    case .unavailable(let time): throw Problem(.unavailable, "keys cannot be read for now", retryAfter: time)
    }
    if principal.keyID == nil { try Authentication.checkNeighbour(request) }
    try Self.checkReader(principal)
    var context = context
    context.principal = principal
    context.bytes?.belongs(to: principal.keyID)
    context.visit = ConsoleVisit(
      formToken: ConsoleSessions.formToken(of: visitor.secret), session: visitor.isSession ? visitor.secret : nil)
    context.isStillAdmitted = watcher(visitor, principal)
    context.notes.keyID = principal.keyID ?? "local"
    do {
      return try await next(request, context)
    } catch let problem as Problem {
      return ConsoleAnswer.problem(problem, await frame.chrome(context))
    }
  }

  /// Whether a key may look at all.
  static func checkReader(_ principal: Principal) throws(Problem) {
    guard principal.has(.read), principal.users.isEverybody else {
      throw Problem(.forbidden, "the console is for keys with the scope read, or admin, that are for all users")
    }
  }

  /// Whether a page of ours sent it, as far as the browser says so; the form's token decides where it does not.
  static func checkOrigin(_ request: Request) throws(Problem) {
    // A form is sent by a page: "none", an address that somebody typed, is none of ours.
    guard request.isOfThisSite, [nil, "same-origin"].contains(request.headers[.secFetchSite]) else {
      throw Problem(.forbidden, "only the console's own pages may send this")
    }
  }

  private struct Visitor: Sendable {
    var verdict: KeyRing.Verdict
    /// The key, the session's token or a secret of this process.
    var secret: String
    var isSession = false
  }

  private func visitor(of request: Request) async throws(Problem) -> Visitor {
    if let secret = Authentication.secret(in: request.headers[.authorization]) {
      return Visitor(verdict: await keys.verdict(on: secret), secret: secret)
    }
    if let token = ConsoleSessions.token(in: request), let key = try await sessions.key(of: token) {
      return Visitor(verdict: await keys.verdict(onKey: key), secret: token, isSession: true)
    }
    return Visitor(verdict: await keys.verdict(on: nil), secret: sessions.local)
  }

  /// For streams, which end with the key and with the session within a second, and go on while nobody can say. Sessions are
  /// asked for together: all who look on have something to be shown at the same moment.
  private func watcher(_ visitor: Visitor, _ principal: Principal) -> @Sendable () async -> Bool {
    guard visitor.isSession, let key = principal.keyID else {
      let secret = principal.keyID == nil ? nil : visitor.secret
      return { [keys] in await keys.verdict(on: secret) != .refused }
    }
    return { [keys, sessions] in
      switch await keys.verdict(onKey: key) {
      case .refused: return false
      case .unavailable: return true  // sessions are in the same Redis
      case .admitted: break
      }
      do {
        return try await sessions.key(of: visitor.secret) == key
      } catch {
        return true  // nobody can say
      }
    }
  }
}
