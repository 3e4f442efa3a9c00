import Admission
import Contracts
import Lanes

/// The effects that settle one delivery, in the order in which they happen: the copy or letter is confirmed, then the
/// end is written down and the lease given back, then the cost events are confirmed, then the results, then the ack. A class: the stages pass it on.
final class Acts: Sendable {
  let delivery: Delivery
  /// A copy for the ladder or another lane, or a letter.
  let first: Dispatch?
  let finish: Finish?
  let costs: [Dispatch]
  let results: [Dispatch]
  /// What to drop from Redis after the ack: job id and number of attempts.
  let forget: (id: String, attempts: Int)?
  /// For the log, and for corrections should the run turn out to be somebody else's.
  let end: RunEnd?

  init(
    _ delivery: Delivery, first: Dispatch? = nil, finish: Finish? = nil, costs: [Dispatch] = [],
    results: [Dispatch] = [], forget: (id: String, attempts: Int)? = nil, end: RunEnd? = nil
  ) {
    self.delivery = delivery
    self.first = first
    self.finish = finish
    self.costs = costs
    self.results = results
    self.forget = forget
    self.end = end
  }

  var withoutLetter: Acts {
    Acts(delivery, finish: finish, costs: costs, results: results, forget: forget, end: end)
  }

  /// The same delivery after its end was written by somebody else: only these events are left to say.
  func saying(only costs: [Dispatch]) -> Acts { Acts(delivery, finish: finish, costs: costs) }
}
