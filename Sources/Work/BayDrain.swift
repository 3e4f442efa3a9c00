import Contracts
import Lanes
import Logging

/// Empties a bay that belongs to nobody: every message goes to a lane, as a confirmed copy, and is acked there.
struct BayDrain: Sendable {
  let intake: LaneIntake
  let post: PostOffice
  let now: @Sendable () -> Timestamp
  let logger: Logger

  /// Whether the broker says so. What was in it has been moved away then, as far as it could be reached.
  func isEmpty(_ bay: Int, lane: Lane) async -> Bool {
    var wasEmpty = true
    while true {
      switch await intake.heads(of: [(bay: bay, lane: lane)])[0] {
      case .empty: return wasEmpty
      case .failed(let reason):
        logger.warning("a parking bay could not be looked into", metadata: [LogKey.bay: "\(bay)", LogKey.reason: "\(reason)"])
        return false
      case .head(let delivery, _):
        wasEmpty = false
        guard await move(delivery, to: lane) else { return false }
      }
    }
  }

  /// False when the task was cancelled first.
  func move(_ delivery: Delivery, to lane: Lane) async -> Bool {
    let copy = post.move(delivery, to: lane, firstSeen: delivery.firstSeen ?? now())
    guard await post.deliver([copy]) else { return false }
    await intake.ack([delivery])
    return true
  }
}
