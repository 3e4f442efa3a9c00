import Contracts
import Foundation
import Hummingbird
import Operations

/// What a job's sender may see of it: how it stands, its events, what it produced. A job of somebody else is as good as
/// none.
struct JobPages: Sendable {
  let statuses: Gathering<String, JobStatus?>
  let watch: Watch<JobStatus>
  let events: EventStream<JobStatus>
  let artifacts: ArtifactPage

  func add(to router: RouterGroup<GatewayContext>) {
    router.on(.jobStatus) { _, context in
      let status = try await status(context)
      return Response(
        status: .ok, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(bytes: status.encoded())))
    }
    router.on(.jobEvents) { request, context in
      try events.response(to: request, try await status(context), in: watch, context)
    }
    router.on(.jobArtifact) { request, context in
      try await artifacts.response(to: request, try await status(context), on: context.channel)
    }
  }

  /// Of the job that the path names.
  func status(_ context: GatewayContext) async throws -> JobStatus {
    let missing = Problem(.notFound, "no such job: never sent, not yet seen, or forgotten after its time")
    guard let id = context.identifier, let principal = context.principal else { throw missing }
    let status: JobStatus?
    do {
      status = try await statuses.ask(id)
    } catch {
      throw Problem.stateUnreachable
    }
    guard let status, let user = status.explanation.user, principal.users.allows(user) else { throw missing }
    return status
  }
}

extension GatewayContext {
  /// The `{id}` of the path; nil for one that cannot be any.
  var identifier: String? {
    guard let id = parameters.get("id")?.removingPercentEncoding, Identifier.isValid(id) else { return nil }
    return id
  }
}

extension Problem {
  static let stateUnreachable = Problem(
    .unavailable, "how things stand cannot be asked for now", retryAfter: .seconds(1))
}
