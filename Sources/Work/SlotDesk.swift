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
  /// Rooms that could be claimed from, as far as this worker knows; by the lane's rank, as all that follow.
  private var due = [Int](repeating: 0, count: Lane.allCases.count)
  /// Whether the lane's last turn went to the line.
  private var roomsAreNext = [Bool](repeating: false, count: Lane.allCases.count)
  /// Turns of a lane's line that brought nothing, since its rooms had one.
  private var vain = [Int](repeating: 0, count: Lane.allCases.count)
  private static let mostVain = 16

  package init(shares: LaneScheduler.Shares = LaneScheduler.Shares()) {
    scheduler = LaneScheduler(shares: shares)
  }

  /// The sources of as many slots as are free and can be used, in the order of their turns.
  /// - Parameter lines: deliveries in front of the slots.
  package mutating func grant(_ free: Int, lines: [Lane: Int]) -> [Source] {
    var waiting = Lane.allCases.map { lines[$0] ?? 0 }
    var granted: [Source] = []
    for _ in 0..<max(0, free) {
      guard let lane = scheduler.next(hasWork: { waiting[$0.rank] > 0 || due[$0.rank] > 0 }) else { break }
      let rank = lane.rank
      if due[rank] > 0, waiting[rank] == 0 || roomsAreNext[rank] {
        due[rank] -= 1
        roomsAreNext[rank] = false
        vain[rank] = 0
        granted.append(.room(lane))
      } else {
        waiting[rank] -= 1
        roomsAreNext[rank] = true
        granted.append(.line(lane))
      }
    }
    return granted
  }

  /// What the fleet knows of the rooms by now.
  package mutating func learned(due: [Lane: Int]) { self.due = Lane.allCases.map { due[$0] ?? 0 } }

  /// A user of this lane has a waiting job that can run.
  package mutating func heard(of lane: Lane) { due[lane.rank] = max(1, due[lane.rank]) }

  /// Claims were granted as far as there was anything to claim; where there was not, the next look tells more.
  package mutating func claimed(_ granted: [Lane: Int], of wished: [Lane: Int], due: [Lane: Int]) {
    learned(due: due)
    for (lane, wish) in wished where (granted[lane] ?? 0) < wish { self.due[lane.rank] = 0 }
  }

  /// The job of this lane's turn could not start; see `LaneScheduler.giveBack`. One of the line leaves its turn to the
  /// next of the line: else a backlog of jobs over their limit would hide those behind it for as many runs. Not for ever:
  /// the rooms have their turn among it.
  package mutating func giveBack(_ lane: Lane, ofLine isOfLine: Bool) {
    scheduler.giveBack(lane)
    guard isOfLine, vain[lane.rank] < Self.mostVain else { return }
    vain[lane.rank] += 1
    roomsAreNext[lane.rank] = false
  }
}
