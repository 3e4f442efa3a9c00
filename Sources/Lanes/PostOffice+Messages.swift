import AMQP
package import Contracts

// The messages that the fleet sends, each built in one place.

extension PostOffice {
  /// A copy that comes back after the delay, or a little later, and keeps its copy number.
  /// - Parameter lane: to which it comes back; nil for the one it was found in.
  package func handBack(
    _ delivery: Delivery, firstSeen: Timestamp, after delay: Duration, lane: Lane? = nil
  ) -> Dispatch {
    var properties = copied(delivery, firstSeen: firstSeen)
    properties.headers[Header.trips] = .int(Int64(delivery.trips + 1))
    return Dispatch(
      exchange: topology.delay(seconds: Topology.rung(for: delay)),
      routingKey: lane?.rawValue ?? routingKey(of: delivery), mandatory: true, properties: properties,
      body: delivery.body)
  }

  /// A copy that waits in a bay, which must be open: an exchange that is missing holds up everything that is published.
  /// - Parameters:
  ///   - copy: its number.
  ///   - lane: to which it goes by itself when nobody fetched it in time.
  ///   - followsTier: whether it goes to another lane should its tier's lane change.
  package func park(
    _ delivery: Delivery, bay: Int, copy: Int, firstSeen: Timestamp, lane: Lane, followsTier: Bool
  ) -> Dispatch {
    var properties = copied(delivery, firstSeen: firstSeen)
    properties.headers[Header.copy] = .int(Int64(copy))
    properties.headers[Header.ownLane] = followsTier ? .int(1) : nil
    return Dispatch(
      exchange: topology.bay(bay), routingKey: lane.rawValue, mandatory: true, properties: properties,
      body: delivery.body)
  }

  package func move(_ delivery: Delivery, to lane: Lane, firstSeen: Timestamp) -> Dispatch {
    Dispatch(
      exchange: topology.jobs, routingKey: lane.rawValue, mandatory: true,
      properties: copied(delivery, firstSeen: firstSeen), body: delivery.body)
  }

  /// The same message with an id, back to where it came from.
  package func identified(_ delivery: Delivery, id: String) -> Dispatch {
    var properties = copied(delivery, firstSeen: delivery.firstSeen)
    properties.messageId = id
    return Dispatch(
      exchange: topology.jobs, routingKey: delivery.lane?.rawValue ?? "unsorted", mandatory: true,
      properties: properties, body: delivery.body)
  }

  /// The message with the reason why it is no longer tried, into `jobs.dead` or `jobs.blocked`.
  /// - Parameter time: when it is written, which of blocked jobs says in which month that was.
  package func letter(
    _ delivery: Delivery, code: EndCode, detail: String, attempts: Int, firstSeen: Timestamp, run: String,
    at time: Timestamp
  ) -> Dispatch {
    var properties = copied(delivery, firstSeen: nil)
    if delivery.message.propertyBytes > Delivery.maximumPropertyBytes { properties.headers = AMQPTable() }
    properties.headers[Header.reason] = .string(code.rawValue)
    properties.headers[Header.detail] = .string(detail)
    properties.headers[Header.attempts] = .int(Int64(attempts))
    properties.headers[Header.firstSeen] = .string(firstSeen.description)
    if code.resting == .blocked { properties.headers[Header.blockedAt] = .int(time.milliseconds) }
    properties.headers[Header.run] = .string(run)
    properties.headers[Header.lane] = .string(routingKey(of: delivery))
    properties.headers[Header.trips] = nil
    properties.headers[Header.copy] = nil
    properties.headers[Header.ownLane] = nil
    properties.headers[Header.replays] = nil
    if let oversize = delivery.message.oversize {
      properties.headers[Header.bodyBytes] = .int(Int64(oversize.bytes))
      properties.headers[Header.bodyDigest] = .string(oversize.sha256)
    }
    return Dispatch(
      exchange: "", routingKey: code.resting == .blocked ? topology.blocked : topology.dead, mandatory: true,
      properties: properties, body: delivery.body)
  }

  package func cost(_ event: CostEvent) -> Dispatch {
    cost(event.encoded(), id: event.id, routingKey: event.routingKey)
  }

  /// An event as it was kept; nil for bytes that are none, which only a foreign hand can have put there.
  package func cost(announcing bytes: [UInt8]) -> Dispatch? {
    CostEvent.reading(bytes).map { cost(bytes, id: $0.id, routingKey: $0.routingKey) }
  }

  private func cost(_ bytes: [UInt8], id: String, routingKey: String) -> Dispatch {
    var properties = AMQPProperties()
    properties.contentType = CostEvent.contentType
    properties.messageId = id
    return Dispatch(
      exchange: topology.costs, routingKey: routingKey, mandatory: true, properties: properties, body: bytes)
  }

  /// The result for `results`, and once more for the sender if it named where to reply.
  package func results(_ body: [UInt8], of event: ResultEvent, to delivery: Delivery) -> [Dispatch] {
    results(body, messageID: event.messageID, routingKey: event.routingKey, to: delivery)
  }

  package func results(
    _ body: [UInt8], messageID: String, routingKey: String, to delivery: Delivery
  ) -> [Dispatch] {
    var properties = AMQPProperties()
    properties.contentType = "application/json"
    properties.messageId = messageID
    properties.correlationId = delivery.message.properties.correlationId
    let result = Dispatch(
      exchange: topology.results, routingKey: routingKey, mandatory: false, properties: properties, body: body)
    guard let replyTo = delivery.message.properties.replyTo, !replyTo.isEmpty, !topology.owns(queue: replyTo) else {
      return [result]
    }
    return [
      result,
      Dispatch(exchange: "", routingKey: replyTo, mandatory: false, properties: properties, body: body),
    ]
  }

  /// The result for `results` of a job whose message is not at hand.
  package func result(_ body: [UInt8], of event: ResultEvent) -> Dispatch {
    var properties = AMQPProperties()
    properties.contentType = "application/json"
    properties.messageId = event.messageID
    return Dispatch(
      exchange: topology.results, routingKey: event.routingKey, mandatory: false, properties: properties, body: body)
  }

  private func routingKey(of delivery: Delivery) -> String {
    delivery.lane?.rawValue ?? delivery.message.routingKey
  }

  /// The sender's properties without what must not travel on a copy: some headers, an expiration that would
  /// drop it, a user id that only its sender may claim.
  private func copied(_ delivery: Delivery, firstSeen: Timestamp?) -> AMQPProperties {
    var properties = delivery.message.properties
    properties.headers.entries.removeAll { Header.mustStayBehind($0.key) }
    properties.expiration = nil
    properties.userId = nil
    if let firstSeen { properties.headers[Header.firstSeen] = .int(firstSeen.milliseconds) }
    return properties
  }
}

extension Topology {
  /// The smallest rung that is at least the delay; the largest for longer ones, which then take several trips.
  package static func rung(for delay: Duration) -> Int {
    rungs.first { .seconds($0) >= delay } ?? rungs[rungs.count - 1]
  }

  /// The longest trip that ends within the time; the shortest for less.
  package static func trip(within time: Duration) -> Duration {
    .seconds(rungs.last { .seconds($0) <= time } ?? rungs[0])
  }
}

extension PostOffice {
  /// Straight into the ledger's queue, behind every event that was confirmed before.
  package func marker(_ marker: LedgerMarker) -> Dispatch {
    var properties = AMQPProperties()
    properties.contentType = LedgerMarker.contentType
    return Dispatch(
      exchange: "", routingKey: topology.costsLedger, mandatory: true, properties: properties, body: marker.encoded())
  }
}
