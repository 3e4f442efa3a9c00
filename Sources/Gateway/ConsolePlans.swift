import Admission
import Billing
import Console
import Contracts
import Hummingbird
import Lanes
import Operations

/// Replaying and releasing letters in three steps: what was chosen becomes a plan, the plan is shown, and who made it
/// confirms it. See `ConsolePlan`.
struct ConsolePlans: Sendable {
  let frame: ConsoleFrame
  let sources: ConsoleSources
  let acts: ConsoleActs

  /// Letters that are looked at for a plan of several.
  private static let look = 5000
  private static let samples = 5

  func add(to router: RouterGroup<GatewayContext>) {
    acts.add(.makePlan, to: router, needsReason: false, make)
    acts.add(.carryOutPlan, to: router, carryOut)
    router.on(console: .plan) { _, context in
      let (id, plan) = try await plan(context)
      return try await page(id, plan, context)
    }
  }

  private func make(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    guard let kind = form["kind"].flatMap({ ConsolePlan.Kind(rawValue: $0) }) else {
      throw Problem(.invalidMessage, "kind: must be dead or blocked")
    }
    let (ids, group) = (Set(form.all("id")), form["group"])
    guard group != nil || !ids.isEmpty else {
      throw Problem(.invalidMessage, "nothing was chosen: tick letters, or take a whole group")
    }
    let filter = LetterFilter(reasons: form["reason"].map { [$0] }, userID: form["user"])
    let found = try await letters(kind.box, filter, of: group == nil ? ids : [])
    let chosen = found.filter { letter in
      if let group { return LetterGroup.key(of: LetterRow(withoutProperties: letter)) == group }
      return ids.contains(letter.id)
    }
    guard !chosen.isEmpty else { throw Problem(.notFound, "none of the letters that were chosen is there any more") }
    let plan = ConsolePlan(kind, chosen, by: note.by, at: sources.now())
    let id = JobID.fresh(at: sources.now())
    do {
      try await sources.desk.keepPlan(id, try plan.encoded(), lasting: ConsolePlan.lifetime)
    } catch {
      throw Problem.stateUnreachable
    }
    return ConsoleAnswer.seeOther(Console.link("plans", id))
  }

  private func carryOut(_ form: ConsoleForm, _ note: ActNote, _ context: GatewayContext) async throws -> Response {
    let (id, plan) = try await plan(context)
    guard plan.letters.count <= PlanCard.mostUncounted || form["count"].flatMap({ Int($0) }) == plan.letters.count
    else {
      return try await page(
        id, plan, context, refusal: "Type how many there are, \(plan.letters.count): nothing was done.")
    }
    let audit = try await sources.audit()
    let report: LetterReport
    do {
      report = try await sources.box(plan.kind.box).replay(
        .exactly(Set(plan.letters)), sources.policy(), note, audit, begin: { try await take(id) })
    } catch {
      throw Problem(acting: error)
    }
    let result = PlanResult(
      kind: .init(plan.kind.box), report: report, reason: note.reason, by: note.by, at: sources.now().description)
    return ConsoleAnswer.page(Console.planResult(result, await frame.chrome(context)))
  }

  private func take(_ id: String) async throws {
    guard try await reached({ try await sources.desk.takePlan(id, lasting: ConsolePlan.lifetime) }) else {
      throw Problem.planIsUsed
    }
  }

  /// Those of one job wherever they lie, of several among the oldest.
  /// - Parameter jobs: none for those of all.
  private func letters(_ kind: LetterBox.Kind, _ filter: LetterFilter, of jobs: Set<String>) async throws -> [Letter] {
    guard jobs.count == 1, let job = jobs.first else {
      return try await sources.read(kind, filter, limit: Self.look).letters
    }
    return try await sources.find(kind, job).filter(filter.includes)
  }

  /// The plan that the path names, if it is for whoever asks.
  private func plan(_ context: GatewayContext) async throws -> (id: String, plan: ConsolePlan) {
    guard let id = context.identifier,
      let (bytes, isTaken) = try await reached({ try await sources.desk.plan(id) })
    else { throw Problem(.notFound, "there is no such plan, or it is older than ten minutes: choose again") }
    let plan = try ConsolePlan(decoding: bytes)
    guard let actor = context.principal?.actor, plan.madeBy == actor else {
      throw Problem(.forbidden, "the plan is somebody else's: make one of your own")
    }
    guard !isTaken else { throw Problem.planIsUsed }
    return (id, plan)
  }

  private func page(
    _ id: String, _ plan: ConsolePlan, _ context: GatewayContext, refusal: String? = nil
  ) async throws -> Response {
    let keys = Set(plan.letters)
    let found = try await letters(plan.kind.box, LetterFilter(), of: Set(keys.map(\.id)))
    let samples = found.filter { keys.contains($0.key) }.prefix(Self.samples)
    let card = PlanCard(
      id: id, kind: .init(plan.kind.box), count: plan.letters.count, users: plan.users,
      hasScenes: plan.letters.contains { StoryID.isOfStory($0.id) && !$0.id.hasSuffix(".video") },
      samples: samples.map { LetterRow(withoutProperties: $0) }, madeAt: plan.made.description,
      expiresAt: plan.ends.description)
    var chrome = await frame.chrome(context)
    if plan.isPart { chrome.notice = "More were meant: this plan holds the oldest \(plan.letters.count)." }
    return ConsoleAnswer.page(
      Console.plan(card, refusal: refusal, chrome), refusal == nil ? .ok : .unprocessableContent)
  }

  private func reached<Value>(_ act: () async throws -> Value) async throws(Problem) -> Value {
    do {
      return try await act()
    } catch {
      throw Problem.stateUnreachable
    }
  }
}

extension Problem {
  fileprivate static let planIsUsed = Problem(
    .alreadyEnded, "the plan was carried out already, and a plan is used once")
}
