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
  /// How long requests may take to end when the gateway is told to end. Default 20 s.
  package var grace: Duration = .seconds(20)

  package init(address: GatewayAddress) { self.address = address }
}
