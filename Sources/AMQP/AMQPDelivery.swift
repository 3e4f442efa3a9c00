/// Where a delivery can be settled: only on the very channel that brought it.
package struct AMQPDeliveryAddress: Sendable, Hashable {
  /// Counts the openings of channels of one consumer; a settlement for an earlier one is stale.
  package var generation: UInt64
  package var channel: UInt16
  package var tag: UInt64
}

/// One arrival of a message.
package struct AMQPDelivery: Sendable {
  /// A body that was larger than the limit: only its first 4 KiB are in `body`.
  package struct Oversize: Sendable, Hashable {
    /// Length of the whole body.
    package var bytes: Int
    /// SHA-256 of the whole body, in hexadecimal.
    package var sha256: String
  }

  package var address: AMQPDeliveryAddress
  package var queue: String
  /// Position of its subscription in the consumer's list; 0 for a message that was got.
  package var subscription: Int
  package var redelivered: Bool
  package var exchange: String
  package var routingKey: String
  package var properties: AMQPProperties
  /// Set when properties could not be taken over: those, and then usually all headers, are missing from `properties`.
  package var hostility: AMQPHostility?
  package var body: [UInt8]
  package var oversize: Oversize?
  /// Length of the encoded properties. With `body.count` this is what the delivery holds in memory, roughly.
  package var propertyBytes: Int
}

/// The broker act that ends a delivery.
package struct AMQPSettlement: Sendable {
  package enum Act: Sendable {
    case ack
    /// Back to the front of the queue, or thereabouts.
    case requeue
    /// Dropped, or moved to the queue's dead-letter exchange if it has one.
    case discard
  }

  package var address: AMQPDeliveryAddress
  package var act: Act

  package init(_ address: AMQPDeliveryAddress, _ act: Act) {
    self.address = address
    self.act = act
  }
}
