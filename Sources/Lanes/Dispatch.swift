import AMQP

/// A message on its way out. Made by `PostOffice`, which also delivers it. A class for the same reason as `Delivery`.
package final class Dispatch: Sendable {
  let publication: AMQPPublication

  init(
    exchange: String, routingKey: String, mandatory: Bool, properties: AMQPProperties, body: [UInt8]
  ) {
    var properties = properties
    properties.deliveryMode = .persistent
    publication = AMQPPublication(
      exchange: exchange, routingKey: routingKey, mandatory: mandatory, properties: properties, body: body)
  }
}
