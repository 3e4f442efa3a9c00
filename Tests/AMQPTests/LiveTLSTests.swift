import Foundation
import TestKit
import Testing

@testable import AMQP

@Suite(.enabled(if: Live.isWanted))
struct LiveTLSTests {
  /// nil when the broker that was named for the tests has no TLS listener.
  private func configuration() async throws -> AMQPConfiguration? {
    guard let url = try await LiveBroker.shared().tlsURL else { return nil }
    return try AMQPConfiguration(url: url)
  }

  @Test func `everything works over TLS: small and large bodies, acks, an error, a pause`() async throws {
    let live = Live(try #require(try await configuration()))
    try await live.withQueue { queue in
      let bodies = (0..<500).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0 * 40) }
      let large = [UInt8](repeating: 7, count: 1 << 20)
      try await live.withConsumer([AMQPSubscription(queue: queue, prefetch: 1000)]) { consumer, inbox in
        try await live.publish(bodies + [large], to: queue) { $0.headers = ["n": 1] }
        let deliveries = try await inbox.take(501)
        #expect(deliveries.map(\.body) == bodies + [large])
        #expect(deliveries[0].properties.headers["n"]?.int == 1)
        await consumer.settle(deliveries.map(\.ack))
        await consumer.pause()
        #expect(consumer.state.unsettled == 0)
      }
      #expect(await failure { _ = try await live.admin.queueStatus("no-such-queue") }?.code == .notFound)
      #expect(try await live.admin.queueStatus(queue).messages == 0)
    }
  }

  @Test func `a certificate of an unknown authority, or for another host, is refused`() async throws {
    var unknown = try #require(try await configuration())
    unknown.tls?.authorities = "/etc/ssl/certs/ca-certificates.crt"
    if FileManager.default.fileExists(atPath: "/etc/ssl/certs/ca-certificates.crt") {
      let error = await failure { _ = try await AMQPAdmin(configuration: unknown).serverProperties() }
      #expect(error?.code == .tls)
      #expect(error?.disposition == .permanent)
    }
    var other = try #require(try await configuration())
    other.host = "127.0.0.2"
    let error = await failure { _ = try await AMQPAdmin(configuration: other).serverProperties() }
    #expect(error?.code == .tls || error?.code == .unreachable)
    var missing = try #require(try await configuration())
    missing.tls?.authorities = "/no/such/file"
    #expect(await failure { _ = try await AMQPAdmin(configuration: missing).serverProperties() }?.code == .configuration)
  }
}
