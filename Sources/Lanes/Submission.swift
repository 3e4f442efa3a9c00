import AMQP
package import Contracts

/// A job as its sender publishes it.
package struct Submission: Sendable {
  /// Stands in the AMQP message id, which serves a body without an `id`.
  package var id: String
  /// A job message; not looked at here.
  package var body: [UInt8]
  package var lane: Lane
  /// The queue that gets the result event, beside the exchange `results`.
  package var replyTo: String?

  package init(id: String, body: [UInt8], lane: Lane, replyTo: String? = nil) {
    self.id = id
    self.body = body
    self.lane = lane
    self.replyTo = replyTo
  }

  /// - Parameter time: when it was submitted; the job's waiting time counts from here.
  package func dispatch(in topology: Topology, at time: Timestamp) -> Dispatch {
    var properties = AMQPProperties()
    properties.contentType = "application/json"
    properties.messageId = id
    properties.correlationId = replyTo == nil ? nil : id
    properties.replyTo = replyTo
    properties.timestamp = UInt64(max(0, time.milliseconds / 1000))
    return Dispatch(
      exchange: topology.jobs, routingKey: lane.rawValue, mandatory: true, properties: properties, body: body)
  }
}
