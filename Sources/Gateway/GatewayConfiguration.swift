/// Address, times and bounds of the gateway.
package struct GatewayConfiguration: Sendable, Hashable {
  package var address: GatewayAddress
  /// Connections at once; more wait in the backlog of the system. Default 2048.
  package var connections = 2048
  /// From the head of a request to the end of its body. Default 15 s.
  package var readLimit: Duration = .seconds(15)
  /// A connection on which nothing happens, the head of a request included, is closed. Default 60 s.
  package var idleLimit: Duration = .seconds(60)
  /// All header fields of a request together, in bytes. Default 16 KiB.
  package var headerBytes = 16 << 10
  package var headerFields = 100
  /// How long a job may wait for the broker's confirm. Default 5 s.
  package var publishLimit: Duration = .seconds(5)
  /// Where workers write what jobs produce (`TOLLWAY_ARTIFACTS`). Default `artifacts`.
  package var artifacts = "artifacts"
  /// Bytes of bodies that requests may hold together until they are answered; one key a quarter. Bodies that say to have
  /// up to 4 KiB are not counted: all connections together hold 8 MiB of them at most. Default 256 MiB.
  package var bodyBytes = 256 << 20
  /// Streams that may be open at once, whatever they show. Default 1,000.
  package var streams = 1000
  /// Of these, those that only the console may have. Default 50.
  package var consoleStreams = 50
  /// Of these, those that one key may have. Default 250.
  package var keyStreams = 250
  /// How often the jobs that are watched are asked for, all together. Default 500 ms.
  package var sampling: Duration = .milliseconds(500)
  /// A stream on which nothing happens has a comment as often. Default 15 s.
  package var heartbeat: Duration = .seconds(15)
  /// The connection of a client that takes nothing of its answer for so long is closed. Default 60 s.
  package var writeLimit: Duration = .seconds(60)
  /// How long requests may take to end when the gateway is told to end. Default 20 s.
  package var grace: Duration = .seconds(20)

  package init(address: GatewayAddress) { self.address = address }
}
