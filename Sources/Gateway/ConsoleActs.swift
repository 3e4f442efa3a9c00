import Billing
import Console
import Contracts
import Hummingbird
import Operations

/// What the forms of the console change. Each is for administrators, from a page of this console in this session, with a
/// reason; all of that is asked here, whatever the page offered, and every act is audited by the room that does it.
struct ConsoleActs: Sendable {
  typealias Answer = @Sendable (ConsoleForm, ActNote, GatewayContext) async throws -> Response

  /// Longest reason, in bytes.
  static let mostReason = 512

  let frame: ConsoleFrame
  let sources: ConsoleSources
  let pages: ConsolePages

  func add(to router: RouterGroup<GatewayContext>) {
    add(.cancelJob, to: router, cancel)
    add(.hold, to: router, hold)
    add(.release, to: router, release)
    add(.setUser, to: router, assign)
    add(.unsetUser, to: router, unassign)
    add(.switchFreeze, to: router, freeze)
  }

  /// - Parameter needsReason: false for what only prepares a change.
  func add(
    _ route: ConsoleRoute, to router: RouterGroup<GatewayContext>, needsReason: Bool = true, _ answer: @escaping Answer
  ) {
    router.on(console: route) { request, context in
      try ConsoleDoor.checkOrigin(request)
      let form = try await ConsoleForm.read(request)
      guard let visit = context.visit, form["token"] == visit.formToken else { throw Problem.formIsOld }
      guard let principal = context.principal, principal.has(.admin), principal.users.isEverybody else {
        throw Problem(.forbidden, "only keys with the scope admin, for all users, may change anything")
      }
      let reason = form["reason"] ?? ""
      guard !needsReason || (1...Self.mostReason).contains(reason.utf8.count) else {
        throw Problem(.invalidMessage, "a reason of 1 to \(Self.mostReason) bytes is needed: nothing was changed")
      }
      return try await answer(form, context.note(reason: reason, surface: .console), context)
    }
  }

  private func cancel(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    let id = try Self.named(context)
    let audit = try await sources.audit()
    let outcome: Canceller.Outcome
    do {
      outcome = try await sources.canceller.cancel(id, note, audit)
    } catch {
      throw Problem(acting: error)
    }
    let page = Console.link("jobs", id)
    switch outcome {
    case .cancelled: return ConsoleAnswer.seeOther(ConsoleNotice.cancelled.after(page))
    case .cancelledBefore: return ConsoleAnswer.seeOther(ConsoleNotice.cancelledBefore.after(page))
    case .pending: return ConsoleAnswer.seeOther(ConsoleNotice.cancelling.after(page))
    case .ended: throw Problem(.alreadyEnded, "the job had ended before it could be cancelled")
    case .unknown: throw Problem(.notFound, "no such job: never sent, or forgotten after its time")
    }
  }

  private func hold(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    let name = try Self.named(context)
    let isNew = try await sources.acting { try await $0.hold(name, note).isNew }
    return ConsoleAnswer.seeOther(
      (isNew ? ConsoleNotice.held : .heldBefore).after(ConsoleRoute.providers.path))
  }

  private func release(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    let name = try Self.named(context)
    let release = try await sources.acting { try await $0.release(name, note) }
    return ConsoleAnswer.seeOther(
      (release == .nothing ? ConsoleNotice.servedBefore : .released).after(ConsoleRoute.providers.path))
  }

  /// What the form does not name stays as it was laid down. The form says what its page has shown: a change that somebody
  /// else has made since is not taken back unseen.
  private func assign(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    let user = try Self.named(context)
    do {
      let concurrency = try Self.value(form["concurrency"], "concurrency: a whole number", Int.init)
      let cap = try Self.value(form["monthly_usd"], "monthly cap: a number of dollars") { Money($0) }
      let shown = try Self.shown(form)
      let laid = try await sources.acting { acts in
        var overrides = try await acts.assignment(of: user)?.overrides ?? UserOverrides()
        overrides.concurrency = concurrency
        overrides.monthlyUsd = cap
        return try await acts.assign(user, over: shown, tier: form["tier"], overrides: overrides, note)
      }
      guard laid != nil else { return try await changedMeanwhile(user, context) }
    } catch let problem as Problem where problem.code == .invalidMessage {
      return try await pages.userPage(
        user, refusal: problem.detail, status: .unprocessableContent, await frame.chrome(context))
    }
    return ConsoleAnswer.seeOther(ConsoleNotice.assigned.after(Console.link("users", user)))
  }

  /// Takes back what the form's page has shown.
  private func unassign(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    let user = try Self.named(context)
    let shown = try Self.shown(form)
    let page = Console.link("users", user)
    switch try await sources.acting({ try await $0.unassign(user, over: shown, note) }) {
    case .takenBack: return ConsoleAnswer.seeOther(ConsoleNotice.unassigned.after(page))
    case .nothing: return ConsoleAnswer.seeOther(ConsoleNotice.asTier.after(page))
    case .changedSince: return try await changedMeanwhile(user, context)
    }
  }

  private func changedMeanwhile(_ user: String, _ context: GatewayContext) async throws -> Response {
    let refusal = "What is laid down for this user was changed meanwhile, and stands below: nothing was changed."
    return try await pages.userPage(user, refusal: refusal, status: .conflict, await frame.chrome(context))
  }

  /// The fleet's name has to be typed: this touches everybody.
  private func freeze(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    guard let state = form["state"], ["on", "off"].contains(state) else {
      throw Problem(.invalidMessage, "state: must be on or off")
    }
    guard form["name"] == frame.fleet else {
      let card = try await sources.acting { try await $0.freezeCard() }
      let refusal = "Type the name of the fleet, \(frame.fleet): nothing was changed."
      return ConsoleAnswer.page(
        Console.freezeConfirm(card, state: state, refusal: refusal, await frame.chrome(context)),
        .unprocessableContent)
    }
    let notice: ConsoleNotice = try await sources.acting { acts in
      if state == "on" { return try await acts.freeze(note).isNew ? .frozen : .frozenBefore }
      return try await acts.thaw(note) == nil ? .unfrozenBefore : .unfrozen
    }
    return ConsoleAnswer.seeOther(notice.after(ConsoleRoute.freeze.path))
  }

  private static func named(_ context: GatewayContext) throws(Problem) -> String {
    guard let name = context.identifier else { throw Problem(.notFound, "there is nothing of this name") }
    return name
  }

  /// When that was changed last which the form's page has shown; nil where it has shown nothing.
  private static func shown(_ form: ConsoleForm) throws(Problem) -> Timestamp? {
    try value(form["shown"], "shown: a time") { Timestamp($0) }
  }

  /// Nil where nothing was typed.
  private static func value<Value>(
    _ text: String?, _ what: String, _ read: (String) -> Value?
  ) throws(Problem) -> Value? {
    guard let text else { return nil }
    guard let value = read(text) else { throw Problem(.invalidMessage, "\(what) is expected") }
    return value
  }
}
