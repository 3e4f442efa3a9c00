import Contracts
import Hummingbird
import NIOCore

/// The events of something that is watched: how it stands at once and whenever there is news, until it is over; then the
/// stream ends. It ends with the gateway as well, and when who watches is no longer let in, which is asked before each
/// event.
struct EventStream<Status: Watchable>: Sendable {
  let writer: PatientWriter
  /// What is written of a status, which may be nothing. `before` is the one that this stream told of last; `number` counts
  /// them, from 1.
  let encode: @Sendable (_ status: Status, _ before: Status?, _ number: Int) -> [UInt8]

  func response(_ seat: Gallery<Status>.Seat, _ context: GatewayContext) -> Response {
    context.channel.closeFuture.whenComplete { [weak viewer = seat.viewer] _ in viewer?.end() }
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .accelBuffering: "no"],
      body: ResponseBody { body in
        try await show(seat.viewer, context, to: &body)
        try await body.finish(nil)
      })
  }

  /// A client that comes back behind the end is told to stay away.
  /// - Parameter status: as it was just read.
  func response(
    to request: Request, _ status: Status, in watch: Watch<Status>, _ context: GatewayContext
  ) throws -> Response {
    if status.isOver, request.headers[.lastEventID] == status.lastEventID { return Response(status: .noContent) }
    return response(try watch.join(status, for: context.seatHolder), context)
  }

  @concurrent
  private func show(
    _ viewer: Viewer<Status>, _ context: GatewayContext, to body: inout any ResponseBodyWriter
  ) async throws {
    let channel = context.channel
    try await writer.write("retry: 3000\n\n".utf8, on: channel, to: &body)
    var before: Status?
    var number = 0
    while true {
      let event = await viewer.next()
      guard await context.isStillAdmitted() else { return }
      switch event {
      case .over: return
      case .beat: try await writer.write(": nothing new\n\n".utf8, on: channel, to: &body)
      case .status(let status):
        number += 1
        let bytes = encode(status, before, number)
        before = status
        if !bytes.isEmpty { try await writer.write(bytes, on: channel, to: &body) }
        if status.isOver { return }
      }
    }
  }
}
