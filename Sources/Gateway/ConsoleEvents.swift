import Console
import Contracts
import Hummingbird
import NIOCore

/// The live figures of the console: all cells at once, from then on those that changed. Ends with the gateway, or when who
/// watches is no longer let in.
struct ConsoleEvents: Sendable {
  let sampler: FleetSampler
  let writer: PatientWriter

  /// When it is asked next whether who watches is still let in. Each time may be a question to Redis, so many who came
  /// together must not ask together.
  private static var nextCheck: ContinuousClock.Instant { .now + .milliseconds(Int64.random(in: 10_000...20_000)) }

  func response(to request: Request, _ context: GatewayContext) throws -> Response {
    let seat = try sampler.join()
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
    _ viewer: Viewer<FleetFrame>, _ writer: PatientWriter, _ context: GatewayContext,
    to body: inout any ResponseBodyWriter
  ) async throws {
    let channel = context.channel
    try await writer.write("retry: 3000\n\n".utf8, on: channel, to: &body)
    var shown: [String: ConsoleCell] = [:]
    var checkAt = nextCheck
    while true {
      let event = await viewer.next()
      if ContinuousClock.now >= checkAt {
        guard await context.isStillAdmitted() else { return }
        checkAt = nextCheck
      }
      switch event {
      case .over: return
      case .beat: try await writer.write(": nothing new\n\n".utf8, on: channel, to: &body)
      case .status(let frame):
        let changed = frame.cells.filter { shown[$0.id] != $0 }
        guard !changed.isEmpty else { continue }
        for cell in changed { shown[cell.id] = cell }
        try await writer.write(frame.event(with: changed), on: channel, to: &body)
      }
    }
  }
}
