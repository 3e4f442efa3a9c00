import AMQP
import Confinement
import Contracts
import Logging

/// The cost events of `costs.ledger`, over one connection that is kept alive.
package final class CostStream: Sendable {
  /// One message; `token` settles it.
  package struct Arrival: Sendable {
    package let body: [UInt8]
    package let token: Token
    package let isRedelivered: Bool
  }

  package struct Token: Sendable { let address: AMQPDeliveryAddress }

  private let consumer: AMQPConsumer
  private let inbox = Mailbox<AMQPDelivery>()

  init(topology: Topology, prefetch: Int, configuration: AMQPConfiguration, logger: Logger) {
    consumer = AMQPConsumer(
      configuration: configuration,
      subscriptions: [AMQPSubscription(queue: topology.costsLedger, prefetch: prefetch)],
      inbox: inbox, logger: logger)
  }

  /// Keeps the connection until cancelled.
  package func run() async { await consumer.run() }

  /// Waits for events and returns all that are there; empty when the stream ended.
  package func next() async -> [Arrival] {
    await inbox.take().map {
      Arrival(body: $0.body, token: Token(address: $0.address), isRedelivered: $0.redelivered)
    }
  }

  package func ack(_ tokens: [Token]) async {
    await consumer.settle(tokens.map { AMQPSettlement($0.address, .ack) })
  }

  /// Takes nothing more; `next` answers empty once the rest is taken.
  package func end() async {
    await consumer.pause()
    inbox.close()
  }
}
