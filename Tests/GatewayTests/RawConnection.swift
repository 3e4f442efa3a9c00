import NIOCore
import NIOPosix

/// A connection that says what it is told, HTTP or not, and hears until the other side ends.
enum RawConnection {
  struct NeverEnded: Error {}

  /// - Parameters:
  ///   - first: what is sent at once. With `rest` it holds a request that is answered.
  ///   - pause: runs when something was heard, before `rest` is sent.
  /// - Returns: all that came before the end.
  static func talk(
    port: Int, _ first: String, within limit: Duration, pause: @escaping @Sendable () async throws -> Void = {},
    rest: String = ""
  ) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await withThrowingTaskGroup(of: String.self) { group in
      group.addTask {
        try await channel.executeThenClose { inbound, outbound in
          try await outbound.write(ByteBuffer(string: first))
          var unsent = rest
          var heard = ""
          do {
            for try await part in inbound {
              heard += String(buffer: part)
              if !unsent.isEmpty {
                try await pause()
                try await outbound.write(ByteBuffer(string: unsent))
                unsent = ""
              }
            }
          } catch is IOError {
            return heard  // reset: that ends it, too
          }
          return heard
        }
      }
      group.addTask {
        try await Task.sleep(for: limit)
        throw NeverEnded()
      }
      let heard = try await group.next() ?? ""
      group.cancelAll()
      return heard
    }
  }
}
