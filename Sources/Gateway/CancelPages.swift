import Contracts
import Hummingbird
import Operations

/// `DELETE` of a job, or of a story: ends what has not ended. Who may send jobs for its user may also cancel them; what an
/// administrator cancels is kept in the audit.
struct CancelPages: Sendable {
  let canceller: Canceller
  let audit: CancelAudit
  let jobs: JobPages
  let stories: StoryPages

  /// Jobs of a story that are cancelled at once.
  private static let width = 8

  func add(to router: RouterGroup<GatewayContext>) {
    router.on(.cancelJob) { _, context in
      let job = try await jobs.status(context).explanation
      let row = await audit.begin([job.job], context)
      let outcome = try await Self.reached {
        try await canceller.cancel(job.job, of: job.user, note: Self.note(context))
      }
      await audit.end(row, [outcome])
      let status = try Self.status(after: [outcome], of: "the job")
      return Self.page(status, try await jobs.status(context).encoded())
    }
    router.on(.cancelStory) { _, context in
      let story = try await stories.status(context)
      let row = await audit.begin([story.id.video] + story.id.scenes, context)
      let outcomes = try await Self.reached { try await cancel(story.id, of: story.user, note: Self.note(context)) }
      await audit.end(row, outcomes)
      let status = try Self.status(after: outcomes, of: "every job of the story")
      return Self.page(status, try await stories.status(context).encoded())
    }
  }

  /// The video stands first: it ends by itself, as failed, when it loses a scene.
  private func cancel(_ story: StoryID, of user: String?, note: String) async throws -> [Canceller.Outcome] {
    let end = ContinuousClock.now + Canceller.patience
    var outcomes = [try await canceller.cancel(story.video, of: user, note: note, until: end)]
    try await withThrowingTaskGroup(of: Canceller.Outcome.self) { group in
      for (index, job) in story.scenes.enumerated() {
        if index >= Self.width, let outcome = try await group.next() { outcomes.append(outcome) }
        group.addTask { [canceller] in try await canceller.cancel(job, of: user, note: note, until: end) }
      }
      for try await outcome in group { outcomes.append(outcome) }
    }
    return outcomes
  }

  private static func note(_ context: GatewayContext) -> String {
    context.principal?.keyID.map { "by the key \($0)" } ?? "by the local operator"
  }

  /// 200 when nothing goes on any more, 202 when something does.
  private static func status(
    after outcomes: [Canceller.Outcome], of name: String
  ) throws(Problem) -> HTTPResponse.Status {
    if outcomes.contains(.pending) { return .accepted }
    guard outcomes.contains(.cancelled) || outcomes.contains(.cancelledBefore) else {
      if outcomes.contains(where: { if case .ended = $0 { true } else { false } }) {
        throw Problem(.alreadyEnded, "\(name) had ended before it could be cancelled")
      }
      throw Problem(.notFound, "it was forgotten meanwhile")
    }
    return outcomes.contains(.unknown) ? .accepted : .ok
  }

  private static func reached<Value>(_ act: () async throws -> Value) async throws(Problem) -> Value {
    do {
      return try await act()
    } catch {
      throw Problem(
        .unavailable, "Redis or the broker did not answer: cancel it again, to be sure", retryAfter: .seconds(1))
    }
  }

  private static func page(_ status: HTTPResponse.Status, _ json: [UInt8]) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: json)))
  }
}
