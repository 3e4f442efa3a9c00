/// A message to publish. A class: it goes through many hands, and a copy would cost a retain for each of its texts.
package final class AMQPPublication: Sendable {
  /// Empty for the default exchange, which routes to the queue named by `routingKey`.
  package let exchange: String
  package let routingKey: String
  /// The broker returns it when no queue takes it. Give such a publication a `messageId` of its own: returns are
  /// matched by it, see `AMQPPublisher`.
  package let mandatory: Bool
  package let properties: AMQPProperties
  package let body: [UInt8]

  package init(
    exchange: String, routingKey: String, mandatory: Bool = true, properties: AMQPProperties = AMQPProperties(),
    body: [UInt8]
  ) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.mandatory = mandatory
    self.properties = properties
    self.body = body
  }
}

/// What became of a publication.
package enum AMQPPublishResult: Sendable, Equatable {
  /// Every queue it was routed to has it safe (on disk, or on a quorum). Also the answer for one that no queue took and
  /// that was not mandatory.
  case confirmed
  /// Mandatory, and no queue took it. An alternate exchange counts as a queue.
  case returned(code: Int, text: String)
  /// A queue refused it, being full or failing; others may have it.
  case nacked
  /// Unknown: the connection or channel ended first, or it was never sent. With disposition `.permanent` it will fail
  /// again.
  case lost(AMQPError)
}
