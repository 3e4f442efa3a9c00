package import Contracts

/// Decides which lane the next free slot goes to. Strict preference for the highest lane that has work, except that of
/// every 20 grants some are reserved for a lower lane; a reserved grant that its lane cannot use goes by preference.
/// A pure value: no clock, no I/O.
package struct LaneScheduler: Sendable, Hashable {
  /// Reserved grants of every 20, by lane.
  package struct Shares: Sendable, Hashable {
    package var high = 2
    package var standard = 2
    package var low = 1

    package init() {}

    package init(high: Int, standard: Int, low: Int) {
      self.high = high
      self.standard = standard
      self.low = low
    }
  }

  package static let cycle = 20

  /// Who each grant of a cycle is reserved for; nil goes by preference.
  private let reservations: [Lane?]
  private var position = 0
  /// Turns that brought nothing; served before any other, at most a cycle's reservations for each lane.
  private var owed: [Lane: Int] = [:]

  /// - Precondition: the shares together leave at least one grant of a cycle to preference.
  package init(shares: Shares = Shares()) {
    precondition(shares.high + shares.standard + shares.low < Self.cycle, "Bug: shares leave nothing to preference")
    reservations = Self.spread(shares)
  }

  /// The lane that the next slot goes to, nil if no lane has work. Counts as granted.
  package mutating func next(hasWork: (Lane) -> Bool) -> Lane? {
    if let lane = Lane.allCases.first(where: { (owed[$0] ?? 0) > 0 && hasWork($0) }) {
      owed[lane, default: 0] -= 1
      return lane
    }
    let reserved = reservations[position]
    let lane =
      if let reserved, hasWork(reserved) { Optional(reserved) } else { Lane.allCases.first(where: hasWork) }
    if lane != nil { position = (position + 1) % Self.cycle }
    return lane
  }

  /// The job of this lane's turn could not start: if turns are reserved for the lane it is owed another one. Preference
  /// needs no such memory, it comes round with the next turn.
  package mutating func giveBack(_ lane: Lane) {
    let reserved = reservations.count { $0 == lane }
    owed[lane] = min(reserved, (owed[lane] ?? 0) + 1)
  }

  /// Spreads each lane's reservations evenly over the cycle, so that a low job waits for at most a cycle.
  private static func spread(_ shares: Shares) -> [Lane?] {
    var places = [Lane?](repeating: nil, count: cycle)
    for (lane, count) in [(Lane.low, shares.low), (.standard, shares.standard), (.high, shares.high)] {
      for index in 0..<count {
        let wish = (index * 2 + 1) * cycle / (count * 2)
        let free = (0..<cycle).map { (wish + $0) % cycle }.first { places[$0] == nil }
        if let free { places[free] = lane }
      }
    }
    return places
  }
}
