import Contracts
import Hummingbird
import NIOCore

/// The events of a job or of a story: its status at once and whenever there is news, until it is over; then the stream
/// ends. A client that comes back behind the end is told to stay away. A key that is revoked sees nothing more.
struct EventStream<Status: Watchable> {
  let watch: Watch<Status>
  let writer: PatientWriter

  func response(to request: Request, _ status: Status, _ context: GatewayContext) throws -> Response {
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
    _ viewer: Viewer<Status>, _ writer: PatientWriter, _ context: GatewayContext,
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
        try await writer.write(status.events(number: number), on: channel, to: &body)
        if status.isOver { return }
      }
    }
  }
}
