/// Where cost events come from: the queue `costs.ledger` in the fleet, an array in tests. One reader.
package protocol CostArrivals: Sendable {
  /// What the source needs to settle a message again.
  associatedtype Token: Sendable

  /// Waits until at least one message is there and returns all that are. Empty when the source has ended for good; an
  /// outage is waited out inside.
  func next() async -> [CostArrival<Token>]

  /// Acks. A message that can no longer be acked (its connection is gone) comes again and is absorbed as a duplicate.
  func settle(_ arrivals: [CostArrival<Token>]) async
}

/// One message of `costs.ledger`.
package struct CostArrival<Token: Sendable>: Sendable {
  package var body: [UInt8]
  package var token: Token
  package var redelivered: Bool

  package init(body: [UInt8], token: Token, redelivered: Bool) {
    self.body = body
    self.token = token
    self.redelivered = redelivered
  }
}
