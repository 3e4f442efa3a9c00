import Contracts
import Hummingbird
import Logging
import NIOCore

/// Writes the body of an answer to a client that may have stopped reading: its connection is closed then, so that nothing
/// is kept for it any longer.
struct PatientWriter {
  /// For one write.
  let limit: Duration
  let logger: Logger

  @concurrent
  func write(
    _ bytes: some Sequence<UInt8> & Sendable, on channel: any Channel, to writer: inout any ResponseBodyWriter
  ) async throws {
    let alarm = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) {
      logger.info(
        "a client takes nothing of its answer and is cut off",
        metadata: [LogKey.duration: "\(limit.milliseconds) ms"])
      channel.close(promise: nil)
    }
    defer { alarm.cancel() }
    try await writer.write(ByteBuffer(bytes: bytes))
  }
}
