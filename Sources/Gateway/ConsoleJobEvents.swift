import Contracts
import Hummingbird
import NIOCore
import Operations

/// Tells a job's page that there is something new, which then asks for itself again: at once, because something may have
/// happened since the page was made, and with every change until the job has ended.
struct ConsoleJobEvents: Sendable {
  let watch: Watch<JobStatus>
  let writer: PatientWriter

  func response(to request: Request, _ status: JobStatus, _ context: GatewayContext) throws -> Response {
    if status.isOver, request.headers[.lastEventID] == status.lastEventID { return Response(status: .noContent) }
    let seat = try watch.join(status)
    context.channel.closeFuture.whenComplete { [weak viewer = seat.viewer] _ in viewer?.end() }
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .accelBuffering: "no"],
      body: ResponseBody { [writer] body in
        try await Self.show(seat.viewer, writer, context, to: &body)
        try await body.finish(nil)
      })
  }

  @concurrent
  private static func show(
    _ viewer: Viewer<JobStatus>, _ writer: PatientWriter, _ context: GatewayContext,
    to body: inout any ResponseBodyWriter
  ) async throws {
    let channel = context.channel
    try await writer.write("retry: 3000\n\n".utf8, on: channel, to: &body)
    var number = 0
    while true {
      let event = await viewer.next()
      guard await context.isStillAdmitted() else { return }
      switch event {
      case .over: return
      case .beat: try await writer.write(": nothing new\n\n".utf8, on: channel, to: &body)
      case .status(let status):
        number += 1
        let id = status.isOver ? status.lastEventID : "\(number)"
        let changed = ServerSentEvent.encoded("changed", id: id, Array("{}".utf8))
        try await writer.write(changed, on: channel, to: &body)
        if status.isOver { return }
      }
    }
  }
}
