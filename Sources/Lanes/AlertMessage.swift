import AMQP
import Contracts

/// An alert for administrators. Nobody needs to listen.
package struct AlertMessage: Sendable {
  /// Stands in the AMQP message id: the same when it is sent again.
  package var id: String
  /// `<severity>.<kind>`.
  package var routingKey: String
  /// JSON.
  package var body: [UInt8]

  package init(id: String, routingKey: String, body: [UInt8]) {
    self.id = id
    self.routingKey = routingKey
    self.body = body
  }
}

extension PostOffice {
  package func alert(_ alert: AlertMessage) -> Dispatch {
    var properties = AMQPProperties()
    properties.contentType = "application/json"
    properties.messageId = alert.id
    return Dispatch(
      exchange: topology.alerts, routingKey: alert.routingKey, mandatory: false, properties: properties,
      body: alert.body)
  }
}
