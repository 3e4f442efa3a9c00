/// What asking a bay for its first message brought.
package enum HeadResult: Sendable {
  /// `remaining`: ready messages behind it in the bay at that moment.
  case head(Delivery, remaining: Int)
  case empty
  /// Nothing is held; the bay may or may not have messages. The text says why and is safe to log.
  case failed(String)
}
