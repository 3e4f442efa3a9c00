import Console
import Contracts
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import Observability

/// The outermost middleware: gives each request its id, turns whatever goes wrong into a problem, and writes the line in
/// the log and the metrics. Neither query nor body is ever logged.
struct RequestDesk: RouterMiddleware {
  let registry: MetricRegistry
  /// As the console names it.
  let fleet: String
  let bodies: BodyBudget
  let logger: Logger

  func handle(
    _ request: Request, context: GatewayContext, next: GatewayContext.Next
  ) async throws -> Response {
    let begin = ContinuousClock.now
    var context = context
    context.requestID = Self.requestID(given: request.headers[.requestID])
    let share = bodies.share()
    context.bytes = share
    var counted = request
    counted.body = share.counted(
      request.body, length: request.headers[.contentLength].flatMap { Int($0) })
    var response: Response
    do {
      response = try await next(counted, context)
    } catch let error as HTTPParserError {
      throw error  // the body is no HTTP: the connection ends with an answer of its own
    } catch {
      response = answer(to: problem(error, request, context), request, context)
    }
    let isConsole = ConsoleRoute.owns(request.uri.path)
    response.headers[.requestID] = context.requestID
    if isConsole { ConsoleAnswer.dress(&response) }
    Self.secure(&response)
    note(request, response, context, route(context, isConsole: isConsole), took: ContinuousClock.now - begin)
    return response
  }

  /// One that a caller made is taken over if it is a plain word, so that it can be followed through several services.
  private static func requestID(given: String?) -> String {
    if let given, (1...64).contains(given.utf8.count), Identifier.isValid(given), !given.contains(":") { return given }
    return Identifier.base36(UInt64.random(in: .min ... .max))
  }

  /// For people a page; for whoever is to sign in, the way there.
  private func answer(to problem: Problem, _ request: Request, _ context: GatewayContext) -> Response {
    guard ConsoleRoute.owns(request.uri.path) else { return problem.response(instance: context.requestID) }
    guard problem.code == .unauthorized else { return ConsoleAnswer.problem(problem, nil) }
    let next = request.method == .get ? request.uri.string : nil
    return ConsoleAnswer.signIn(fleet: fleet, next: next, .unauthorized)
  }

  private func problem(_ error: any Error, _ request: Request, _ context: GatewayContext) -> Problem {
    switch error {
    case let problem as Problem: return problem
    case is NIOTooManyBytesError: return .bodyTooLarge
    case is CancellationError: return Problem(.unavailable, "this gateway ends", retryAfter: .seconds(1))
    case let error as any HTTPResponseError where error.status == .notFound: return missing(request)
    case let error as any HTTPResponseError where error.status.code < 500:
      return Problem(.badRequest, "the request cannot be read")
    default:
      logger.error(
        "request failed", metadata: ["request": "\(context.requestID)", LogKey.error: "\(type(of: error)): \(error)"])
      return Problem(.internal, "the log of the gateway has the reason under this request's id")
    }
  }

  private func missing(_ request: Request) -> Problem {
    let path = Substring(request.uri.path)
    let methods = GatewayRoute.methods(of: path) + ConsoleRoute.methods(of: path)
    guard !methods.isEmpty else { return Problem(.notFound, "no such path") }
    let allowed = methods.joined(separator: ", ")
    var problem = Problem(.methodNotAllowed, "this path takes \(allowed)")
    problem.headers[.allow] = allowed
    return problem
  }

  private static let guards = [
    HTTPField(name: .contentSecurityPolicy, value: "default-src 'none'; frame-ancestors 'none'"),
    HTTPField(name: .cacheControl, value: "no-store"),
    HTTPField(name: .xContentTypeOptions, value: "nosniff"),
    HTTPField(name: .referrerPolicy, value: "no-referrer"),
  ]

  /// A page that needs more says so itself.
  private static func secure(_ response: inout Response) {
    for field in guards where !response.headers.contains(field.name) { response.headers.append(field) }
  }

  private static let routes = Set(GatewayRoute.allCases.map(\.path))

  private func route(_ context: GatewayContext, isConsole: Bool) -> String? {
    if isConsole { return Console.path }
    return context.endpointPath.flatMap { Self.routes.contains($0) ? $0 : nil }
  }

  private func note(
    _ request: Request, _ response: Response, _ context: GatewayContext, _ route: String?, took: Duration
  ) {
    let status = String(response.status.code)
    registry.update { metrics in
      metrics.add(to: Metrics.httpRequests, route ?? MetricLabel.other, status)
      metrics.observe(
        Double(took.milliseconds) / 1000, in: Metrics.httpSeconds, route ?? MetricLabel.other)
    }
    logger.info(
      "request",
      metadata: [
        "request": "\(context.requestID)", "method": "\(request.method.rawValue)", "route": "\(route ?? "none")",
        "status": "\(status)", LogKey.duration: "\(took.milliseconds) ms", "key": "\(context.notes.keyID ?? "none")",
      ])
  }
}

extension Problem {
  static let bodyTooLarge = Problem(.tooLarge, "a body may have \(JobMessage.maximumBytes) bytes")
}
