/// What asking a queue for its first message brought.
package enum AMQPGetResult: Sendable {
  /// `remaining`: ready messages behind it in the queue at that moment.
  case message(AMQPDelivery, remaining: Int)
  case empty
  /// Nothing was taken, or what was taken is back in its queue: the connection or the channel ended first, there is no
  /// such queue (`.notFound`), or too much of it is unsettled here (`.busy`).
  case failed(AMQPError)
}
