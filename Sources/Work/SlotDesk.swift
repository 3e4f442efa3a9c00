package import Contracts

/// Decides who gets the next free slots of a worker: deliveries that came from the lanes, or users in the waiting rooms
/// whose next job can run. Lanes go by `LaneScheduler`; inside a lane the line and the rooms take turns. A pure value: it
/// is told what there is and says what to do; no clock, no I/O.
package struct SlotDesk: Sendable, Hashable {
  /// Where the job for a slot comes from.
  package enum Source: Sendable, Hashable {
    /// The next delivery of the lane's line.
    case line(Lane)
    /// The next user of the lane's waiting rooms: a claim is to be made.
    case room(Lane)
  }

  private var scheduler: LaneScheduler
  /// Rooms that could be claimed from, as far as this worker knows.
  private var due: [Lane: Int] = [:]
  /// Lanes whose last turn went to the line.
  private var roomsAreNext: Set<Lane> = []
  /// Turns of a lane's line that brought nothing, since its rooms had one.
  private var vain: [Lane: Int] = [:]
  private static let mostVain = 16

  package init(shares: LaneScheduler.Shares = LaneScheduler.Shares()) {
    scheduler = LaneScheduler(shares: shares)
  }

  /// The sources of as many slots as are free and can be used, in the order of their turns.
  /// - Parameter lines: deliveries in front of the slots.
  package mutating func grant(_ free: Int, lines: [Lane: Int]) -> [Source] {
    var lines = lines
    var granted: [Source] = []
    for _ in 0..<max(0, free) {
      guard let lane = scheduler.next(hasWork: { (lines[$0] ?? 0) > 0 || (due[$0] ?? 0) > 0 }) else { break }
      let hasLine = (lines[lane] ?? 0) > 0
      let hasRoom = (due[lane] ?? 0) > 0
      if hasRoom, !hasLine || roomsAreNext.contains(lane) {
        due[lane, default: 0] -= 1
        roomsAreNext.remove(lane)
        vain[lane] = nil
        granted.append(.room(lane))
      } else {
        lines[lane, default: 0] -= 1
        roomsAreNext.insert(lane)
        granted.append(.line(lane))
      }
    }
    return granted
  }

  /// What the fleet knows of the rooms by now.
  package mutating func learned(due: [Lane: Int]) { self.due = due }

  /// A user of this lane has a waiting job that can run.
  package mutating func heard(of lane: Lane) { due[lane] = max(1, due[lane] ?? 0) }

  /// Claims were granted as far as there was anything to claim; where there was not, the next look tells more.
  package mutating func claimed(_ granted: [Lane: Int], of wished: [Lane: Int], due: [Lane: Int]) {
    self.due = due
    for (lane, wish) in wished where (granted[lane] ?? 0) < wish { self.due[lane] = 0 }
  }

  /// The job of this lane's turn could not start; see `LaneScheduler.giveBack`. One of the line leaves its turn to the
  /// next of the line: else a backlog of jobs over their limit would hide those behind it for as many runs. Not for ever:
  /// the rooms have their turn among it.
  package mutating func giveBack(_ lane: Lane, ofLine isOfLine: Bool) {
    scheduler.giveBack(lane)
    guard isOfLine, vain[lane, default: 0] < Self.mostVain else { return }
    vain[lane, default: 0] += 1
    roomsAreNext.remove(lane)
  }
}
