import Console
import Contracts
import Hummingbird
import NIOCore

/// Signing in with an API key, signing out, and what the pages are dressed in: the doors that are open to everybody.
struct ConsoleSignIn: Sendable {
  let keys: KeyRing
  let sessions: ConsoleSessions
  let fleet: String

  func add(to router: Router<GatewayContext>) {
    router.on(console: .style) { _, _ in ConsoleAnswer.asset(Console.css, type: "text/css; charset=utf-8") }
    router.on(console: .script) { _, _ in ConsoleAnswer.asset(Console.js, type: "text/javascript; charset=utf-8") }
    router.on(console: .signIn) { request, _ in
      ConsoleAnswer.signIn(fleet: fleet, next: Self.next(request.uri.queryParameters.get("next")), .ok)
    }
    router.on(console: .openSession) { try await open($0, $1) }
    router.on(console: .closeSession) { request, _ in try await close(request) }
  }

  private func open(_ request: Request, _ context: GatewayContext) async throws -> Response {
    try ConsoleDoor.checkOrigin(request)
    let form = try await ConsoleForm.read(request)
    let next = Self.next(form["next"])
    let principal: Principal
    switch await keys.verdict(on: form["key"]) {
    case .unavailable(let time): throw Problem(.unavailable, "keys cannot be read for now", retryAfter: time)
    case .refused:
      let address = context.channel.remoteAddress?.ipAddress ?? "unknown"
      try await reached { try await sessions.countWrongKey(from: address) }
      return ConsoleAnswer.signIn(
        fleet: fleet, refusal: "This is no valid key of the fleet.", next: next, .unauthorized)
    case .admitted(let known): principal = known
    }
    guard let key = principal.keyID else { return ConsoleAnswer.seeOther(next) }  // without keys nobody signs in
    do {
      try ConsoleDoor.checkReader(principal)
    } catch {
      return ConsoleAnswer.signIn(
        fleet: fleet, refusal: "This key cannot be used here: \(error.detail).", next: next, .forbidden)
    }
    context.notes.keyID = key
    let token = try await reached { try await sessions.open(key: key) }
    var response = ConsoleAnswer.seeOther(next)
    response.headers[.setCookie] = ConsoleSessions.field(token, isLocal: Self.isLocal(request))
    return response
  }

  private func close(_ request: Request) async throws -> Response {
    try ConsoleDoor.checkOrigin(request)
    if let token = ConsoleSessions.token(in: request) {
      let form = try await ConsoleForm.read(request)
      guard form["token"] == ConsoleSessions.formToken(of: token) else { throw Problem.formIsOld }
      try await reached { try await sessions.close(token) }
    }
    var response = ConsoleAnswer.seeOther(ConsoleRoute.signIn.path)
    response.headers[.setCookie] = ConsoleSessions.field(nil, isLocal: Self.isLocal(request))
    return response
  }

  /// Only a page of the console.
  private static func next(_ text: String?) -> String {
    guard let text, text.utf8.count <= 1024, text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }),
      ConsoleRoute.owns(String(text.prefix { $0 != "?" }))
    else { return Console.path }
    return text
  }

  /// Whatever name a proxy that speaks HTTPS calls this gateway by: the browser did not come here by it.
  private static func isLocal(_ request: Request) -> Bool {
    !request.isPassedOnFromHTTPS && request.head.authority.map { GatewayAddress.isLoopback(authority: $0) } ?? false
  }

  private func reached<Value>(_ act: () async throws -> Value) async throws -> Value {
    do {
      return try await act()
    } catch let problem as Problem {
      throw problem
    } catch {
      throw Problem.stateUnreachable
    }
  }
}

extension Problem {
  static let formIsOld = Problem(.forbidden, "the form is not of this session: go back, load the page again")
}

extension RouterMethods {
  func on(
    console route: ConsoleRoute, _ answer: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    on(RouterPath(route.path), method: route.method) { request, context in try await answer(request, context) }
  }
}
