import Admission
import Contracts
import Lanes

/// The effects that settle one delivery, in the order in which they happen: the copy or letter is confirmed, then the
/// end is written down and the lease given back, then the cost events are confirmed, then the results, then the ack.
struct Acts: Sendable {
  var delivery: Delivery
  /// A copy for the ladder or another lane, or a letter.
  var first: Dispatch?
  var finish: Finish?
  var costs: [Dispatch] = []
  var results: [Dispatch] = []
  /// What to drop from Redis after the ack: job id and number of attempts.
  var forget: (id: String, attempts: Int)?
  /// For corrections, should the run turn out to be somebody else's: the events made here.
  var end: RunEnd?

  init(_ delivery: Delivery) { self.delivery = delivery }
}
