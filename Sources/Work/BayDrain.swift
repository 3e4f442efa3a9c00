import Contracts
import Lanes
import Logging

/// Empties a bay that belongs to nobody: every message goes to a lane, as a confirmed copy, and is acked there.
struct BayDrain: Sendable {
  let intake: LaneIntake
  let post: PostOffice
  let now: @Sendable () -> Timestamp
  let logger: Logger

  /// False when the broker does not answer; then something may be left.
  /// - Parameter lane: for messages that name none.
  func empty(_ bay: Int, into lane: Lane) async -> Bool {
    var moved = 0
    while true {
      switch await intake.heads(of: [(bay: bay, lane: lane)])[0] {
      case .empty:
        if moved > 0 {
          logger.info(
            "a parking bay had messages of somebody and was drained",
            metadata: [LogKey.bay: "\(bay)", LogKey.count: "\(moved)"])
        }
        return true
      case .failed(let reason):
        logger.warning(
          "a parking bay could not be looked into", metadata: [LogKey.bay: "\(bay)", LogKey.reason: "\(reason)"])
        return false
      case .head(let delivery, _):
        moved += 1
        guard await move(delivery, to: lane) else { return false }
      }
    }
  }

  /// False when the task was cancelled first.
  func move(_ delivery: Delivery, to lane: Lane) async -> Bool {
    let copy = post.move(delivery, to: delivery.sentLane ?? lane, firstSeen: delivery.firstSeen ?? now())
    guard await post.deliver([copy]) else { return false }
    await intake.ack([delivery])
    return true
  }
}
