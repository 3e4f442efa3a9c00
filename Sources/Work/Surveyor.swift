import AMQP
import Admission
import Contracts
import Lanes
import Logging

/// After Redis lost its memory nobody knows whose the bays are. The head of each says it: its user adopts the bay, or,
/// having another one, gets the messages through the lane. Until that is done no bay is leased.
struct Surveyor: Sendable {
  let desk: AdmissionDesk
  let intake: LaneIntake
  let bays: BayKeeper
  let drain: BayDrain
  let pipeline: Pipeline
  let workerID: String
  let logger: Logger

  /// Does it unless another worker does; what fails is tried again with the next look.
  func survey(_ epoch: String) async {
    do {
      guard try await desk.beginSurvey(by: workerID, length: .seconds(30)) else { return }
      if let adopted = try await lookIntoAll() {
        try await desk.endSurvey(of: epoch)
        logger.info("parking bays were looked at", metadata: [LogKey.count: "\(adopted) adopted"])
      } else {
        try await desk.leaveSurvey()
      }
    } catch {
      logger.warning("parking bays could not be looked at yet", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// How many bays found an owner; nil when the broker did not answer.
  private func lookIntoAll() async throws -> Int? {
    let owned = try await desk.ownedBays()
    var adopted = 0
    for (bay, _) in try await bays.existing(upTo: desk.configuration.bays) where !owned.contains(bay) {
      guard let isAdopted = try await look(into: bay) else { return nil }
      adopted += isAdopted ? 1 : 0
    }
    return adopted
  }

  /// A head that its worker held while the bay was given back returns to a bay that nobody looks into. Looks for such
  /// messages unless another worker does.
  func sweep() async {
    do {
      guard try await desk.beginSweep(by: workerID, length: .seconds(50)) else { return }
      let filled = try await bays.existing(upTo: desk.configuration.bays).filter { $0.messages > 0 }
      let owned = filled.isEmpty ? [] : try await desk.ownedBays()
      for (bay, _) in filled where !owned.contains(bay) {
        logger.info("a parking bay that nobody has holds messages", metadata: [LogKey.bay: "\(bay)"])
        guard try await look(into: bay) != nil else { return }
      }
    } catch {
      logger.debug("parking bays could not be swept", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Whether a user has it now; nil when the broker does not answer.
  private func look(into bay: Int) async throws(AdmissionError) -> Bool? {
    while true {
      switch await intake.heads(of: [(bay: bay, lane: .low)])[0] {
      case .failed: return nil
      case .empty:
        try await desk.offer(bay)
        return false
      case .head(let delivery, let remaining):
        guard case .arrival(let arrival) = pipeline.decode(delivery) else {
          guard await drain.move(delivery, to: .low) else { return nil }  // its lane says what is wrong with it
          continue
        }
        let own = try await pipeline.lane(of: arrival.job)
        let lane = delivery.followsTier ? own : delivery.sentLane ?? own
        let reply = try await desk.adopt(bay, messages: remaining, lane: lane, user: arrival.job.userID)
        guard await drain.move(delivery, to: lane) else { return nil }
        guard reply == .taken else { return true }
        guard await drain.empty(bay, into: lane) else { return nil }
        try await desk.offer(bay)
        return false
      }
    }
  }
}
