import Admission
import Billing
import Catalog
import Console
import Contracts
import Foundation
import HTTPTypes
import Hummingbird
import Lanes
import Logging
import Operations

/// The pages of the console that show and change nothing.
struct ConsolePages: Sendable {
  let frame: ConsoleFrame
  let sources: ConsoleSources
  let events: ConsoleEvents

  /// Letters of one page.
  private static let letters = 500

  func add(to router: RouterGroup<GatewayContext>) {
    router.on(console: .plaza) { try await plaza($0, $1) }
    router.on(console: .lane) { try await lane($0, $1) }
    router.on(console: .finder) { try await finder($0, $1) }
    router.on(console: .job) { try await job($0, $1) }
    router.on(console: .events) { _, context in try events.figures(context) }
    router.on(console: .jobEvents) { request, context in
      guard let id = context.identifier, let status = try await sources.status(of: id) else {
        throw Problem(.notFound, "no such job")
      }
      return try events.job(request, status, context)
    }
    router.on(console: .providers) { try await providers($0, $1) }
    router.on(console: .dead) { try await letters(.dead, $0, $1) }
    router.on(console: .blocked) { try await letters(.blocked, $0, $1) }
    router.on(console: .user) { try await user($0, $1) }
    router.on(console: .money) { _, context in
      let sight = await frame.sampler.current()
      return ConsoleAnswer.page(
        Console.money(
          sight.sample.money, ledgerRefusal: sight.sample.ledger.why, await frame.chrome(context, sight)))
    }
    router.on(console: .alerts) { _, context in
      let (open, recent) = try await sources.acting { acts in
        (try await acts.openConditions(), try await acts.alerts(limit: 50))
      }
      return ConsoleAnswer.page(Console.alerts(open: open, recent: recent, await frame.chrome(context)))
    }
    router.on(console: .changes) { _, context in
      let changes = try await sources.acting { try await $0.changes(limit: 100) }
      return ConsoleAnswer.page(Console.changes(changes, await frame.chrome(context)))
    }
    router.on(console: .freeze) { request, context in
      let card = try await sources.acting { try await $0.freezeCard() }
      let chrome = await frame.chrome(context, after: request)
      guard let state = request.uri.queryParameters.get("state"), ["on", "off"].contains(state) else {
        return ConsoleAnswer.page(Console.freeze(card, chrome))
      }
      return ConsoleAnswer.page(Console.freezeConfirm(card, state: state, chrome))
    }
  }

  private func plaza(_ request: Request, _ context: GatewayContext) async throws -> Response {
    let sight = await frame.sampler.current()
    var changes: [ChangeRow]?
    // A ledger that does not answer must not hold the page up, which says so where the changes would be.
    if !sight.sample.ledger.isAway {
      do {
        changes = try await sources.ledger.read(within: .seconds(1)) { ledger in
          try await ledger.auditTrail(limit: 5).map { ChangeRow($0) }
        }
      } catch {
        sources.logger.debug("a page goes without the ledger", metadata: [LogKey.error: "\(error)"])
      }
    }
    return ConsoleAnswer.page(
      Console.plaza(
        sight.sample, sight.verdict, history: sight.trend, changes: changes, await frame.chrome(context, sight)))
  }

  private func lane(_ request: Request, _ context: GatewayContext) async throws -> Response {
    guard let lane = context.identifier.flatMap({ Lane(rawValue: $0) }) else {
      throw Problem(.notFound, "no such lane")
    }
    let sight = await frame.sampler.current()
    return ConsoleAnswer.page(
      Console.lane(lane, sight.sample, sight.verdict, history: sight.trend, await frame.chrome(context, sight)))
  }

  private func finder(_ request: Request, _ context: GatewayContext) async throws -> Response {
    let text = request.uri.queryParameters.get("find")?.trimmingCharacters(in: .whitespaces)
    guard let text, !text.isEmpty else { return ConsoleAnswer.page(Console.finder(await frame.chrome(context))) }
    if Identifier.isValid(text) {
      if try await sources.status(of: text) != nil { return ConsoleAnswer.seeOther(Console.link("jobs", text)) }
      if try await isUser(text) { return ConsoleAnswer.seeOther(Console.link("users", text)) }
    }
    let refusal = "No job has this id, none that is remembered at least, and nothing is known of such a user."
    return ConsoleAnswer.page(
      Console.finder(query: text, refusal: refusal, await frame.chrome(context)))
  }

  /// Whether Redis knows anything of a user this month.
  private func isUser(_ user: String) async throws -> Bool {
    if try await sources.resolver.entitlement(of: user) != nil { return true }
    let usage = try await usage(of: user)
    return usage.running > 0 || !usage.waiting.isEmpty || usage.used.jobs > 0 || usage.reserved.jobs > 0
  }

  private func usage(of user: String) async throws -> UserUsage {
    let entitlement = try await sources.resolver.entitlement(of: user)
    do {
      return try await UserUsage.read(user, entitlement: entitlement, sources.policy(), sources.desk)
    } catch {
      throw Problem.stateUnreachable
    }
  }

  private func job(_ request: Request, _ context: GatewayContext) async throws -> Response {
    guard let id = context.identifier else { throw Problem(.notFound, "no id of a job looks like this") }
    let chrome = await frame.chrome(context, after: request)
    guard let status = try await sources.status(of: id) else {
      return ConsoleAnswer.page(Console.job(Explanation(unknown: id, at: sources.now()), chrome), .notFound)
    }
    return ConsoleAnswer.page(Console.job(status.explanation, chrome))
  }

  private func providers(_ request: Request, _ context: GatewayContext) async throws -> Response {
    let sight = await frame.sampler.current()
    let board: ProviderBoard
    do {
      board = try await sources.acting { try await $0.providers() }
    } catch let problem as Problem {
      board = try await boardWithoutLedger(problem)
    }
    return ConsoleAnswer.page(
      Console.providers(
        board, samples: sight.sample.providers, await frame.chrome(context, after: request, sight)))
  }

  /// Who holds a provider is missing then.
  private func boardWithoutLedger(_ problem: Problem) async throws(Problem) -> ProviderBoard {
    do {
      let (now, breakers) = try await sources.desk.breakers()
      return ProviderBoard(policy: sources.policy(), breakers: breakers, holds: [], now: now)
    } catch {
      throw problem
    }
  }

  private func letters(
    _ kind: LetterBox.Kind, _ request: Request, _ context: GatewayContext
  ) async throws -> Response {
    guard let query = ConsoleForm(request.uri.query ?? "") else {
      throw Problem(.badRequest, "the filter cannot be read")
    }
    let filter = LetterFilter(reasons: query["reason"].map { [$0] }, userID: query["user"])
    let (letters, isAll) = try await sources.read(kind, filter, limit: Self.letters)
    let page = LettersPage(
      kind: .init(kind), letters: letters.map { LetterRow(withoutProperties: $0) }, isAll: isAll,
      reason: query["reason"],
      user: query["user"])
    return ConsoleAnswer.page(Console.letters(page, await frame.chrome(context, after: request)))
  }

  private func user(_ request: Request, _ context: GatewayContext) async throws -> Response {
    guard let user = context.identifier else { throw Problem(.notFound, "no id of a user looks like this") }
    return try await userPage(user, await frame.chrome(context, after: request))
  }

  /// - Parameter refusal: of what a form has asked for.
  func userPage(
    _ user: String, refusal: String? = nil, status: HTTPResponse.Status = .ok, _ chrome: Chrome
  ) async throws -> Response {
    let usage = try await usage(of: user)
    var card: UserCard?
    var ledgerRefusal: String?
    do {
      card = try await sources.acting { try await $0.user(user) }
    } catch let problem as Problem {
      ledgerRefusal = problem.detail
    }
    return ConsoleAnswer.page(
      Console.user(
        usage, card: card, ledgerRefusal: ledgerRefusal, tiers: sources.policy().tiers.keys.sorted(),
        refusal: refusal, chrome), status)
  }
}

extension LettersPage.Kind {
  init(_ kind: LetterBox.Kind) { self = kind == .dead ? .dead : .blocked }
}
