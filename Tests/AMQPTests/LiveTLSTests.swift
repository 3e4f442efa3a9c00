import Foundation
import TestKit
import Testing

@testable import AMQP

@Suite(.enabled(if: Live.isWanted && ProcessInfo.processInfo.environment["TOLLWAY_TEST_AMQPS_URL"] != nil))
struct LiveTLSTests {
  private func configuration() async throws -> AMQPConfiguration {
    try AMQPConfiguration(url: try #require(try await LiveBroker.shared().tlsURL))
  }

  @Test func `everything works over TLS: small and large bodies, acks, an error, a pause`() async throws {
    let live = Live(try await configuration())
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
        try await live.publish([[1], large], to: queue)
        let got = await consumer.get([queue, queue, queue])
        #expect(got.map { $0.message?.body } == [[1], large, nil])
        await consumer.settle(got.compactMap { $0.message?.ack })
      }
      #expect(await failure { _ = try await live.admin.queueStatus("no-such-queue") }?.code == .notFound)
      #expect(try await live.admin.queueStatus(queue).messages == 0)
    }
  }

  @Test func `a certificate of an unknown authority is refused, and so are authorities that cannot be read`()
    async throws
  {
    var unknown = try await configuration()
    unknown.tls?.authorities = "/etc/ssl/certs/ca-certificates.crt"
    if FileManager.default.fileExists(atPath: "/etc/ssl/certs/ca-certificates.crt") {
      let error = await failure { _ = try await AMQPAdmin(configuration: unknown).serverProperties() }
      #expect(error?.code == .tls)
    }
    var missing = try await configuration()
    missing.tls?.authorities = "/no/such/file"
    #expect(
      await failure { _ = try await AMQPAdmin(configuration: missing).serverProperties() }?.code == .configuration)
  }
}
