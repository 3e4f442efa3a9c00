import Contracts
import Hummingbird
import Operations

/// What moves on the console's pages.
struct ConsoleEvents: Sendable {
  let sampler: FleetSampler
  let watch: Watch<JobStatus>
  let writer: PatientWriter

  /// The figures: all cells at once, from then on those that changed.
  func figures(_ context: GatewayContext) throws -> Response {
    let stream = EventStream<FleetFrame>(writer: writer) { frame, before, _ in frame.events(after: before) }
    return stream.response(try sampler.join(for: context.seatHolder), context)
  }

  /// Tells a job's page that there is something new, which then asks for itself again: at once, because something may have
  /// happened since the page was made, and with every change until the job has ended.
  func job(_ request: Request, _ status: JobStatus, _ context: GatewayContext) throws -> Response {
    let stream = EventStream<JobStatus>(writer: writer) { status, _, number in
      ServerSentEvent.encoded("changed", id: status.isOver ? status.lastEventID : "\(number)", Array("{}".utf8))
    }
    return try stream.response(to: request, status, in: watch, context)
  }
}
