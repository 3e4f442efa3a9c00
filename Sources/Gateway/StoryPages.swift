import Contracts
import Hummingbird

/// How a story stands, for those who may see its user's jobs. A story of somebody else is as good as none.
struct StoryPages: Sendable {
  let statuses: Gathering<StoryID, StoryStatus?>
  let watch: Watch<StoryStatus>
  let events: EventStream<StoryStatus>

  func add(to router: RouterGroup<GatewayContext>) {
    router.on(.story) { _, context in
      let status = try await status(context)
      return Response(
        status: .ok, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(bytes: status.encoded())))
    }
    router.on(.storyEvents) { request, context in
      try events.response(to: request, try await status(context), in: watch, context)
    }
  }

  /// Of the story that the path names.
  func status(_ context: GatewayContext) async throws -> StoryStatus {
    let missing = Problem(.notFound, "no such story: never sent, not yet seen, or forgotten after its time")
    guard let id = context.identifier.flatMap({ StoryID(reading: $0) }), let principal = context.principal else {
      throw missing
    }
    let status: StoryStatus?
    do {
      status = try await statuses.ask(id)
    } catch {
      throw Problem.stateUnreachable
    }
    guard let status, principal.users.allows(status.user) else { throw missing }
    return status
  }
}
