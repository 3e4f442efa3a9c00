import Admission
import Contracts
import Lanes

/// A run between admission and its written end. A class: the worker changes it in its place.
final class HeldRun {
  var lease: HeldLease
  let lane: Lane
  /// The delivery to settle: a later one if the first was lost with its connection.
  var delivery: Delivery
  var isExecuting = true
  let stop: StopOrder

  init(_ run: Run) {
    lease = run.lease
    lane = run.lane
    delivery = run.delivery
    stop = run.stop
  }
}
