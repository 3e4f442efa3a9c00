import Contracts
import Testing
import Work

@Suite struct SlotDeskTests {
  private func desk(due: [Lane: Int] = [:]) -> SlotDesk {
    var desk = SlotDesk()
    desk.learned(due: due)
    return desk
  }

  private let everywhere = Dictionary(uniqueKeysWithValues: Lane.allCases.map { ($0, 1000) })

  @Test func `a free slot goes to the highest lane whether its job is in line or in a room`() {
    var inRoom = desk(due: [.critical: 1])
    #expect(inRoom.grant(2, lines: [.high: 5]) == [.room(.critical), .line(.high)])
    var inLine = desk(due: [.high: 5])
    #expect(inLine.grant(2, lines: [.critical: 1]) == [.line(.critical), .room(.high)])
  }

  @Test(arguments: [false, true], [false, true])
  func `under saturation 15 2 2 1 of every 20 go to the lanes whatever lines and rooms hold`(lines: Bool, rooms: Bool) {
    guard lines || rooms else { return }
    var desk = desk(due: rooms ? everywhere : [:])
    let granted = desk.grant(200, lines: lines ? everywhere : [:]).map(\.lane)
    for start in 0...180 {
      let window = granted[start..<start + 20]
      #expect(Lane.allCases.map { lane in window.count { $0 == lane } } == [15, 2, 2, 1])
    }
  }

  @Test func `the line and the rooms of a lane take turns`() {
    var desk = desk(due: [.standard: 10])
    let granted = desk.grant(20, lines: [.standard: 10])
    for (first, second) in zip(granted, granted.dropFirst()) { #expect(first != second) }
  }

  @Test func `the turn is remembered from one wave to the next`() {
    var desk = desk(due: [.low: 10])
    let granted = (0..<6).flatMap { _ in desk.grant(1, lines: [.low: 10]) }
    #expect(granted.count { $0 == .room(.low) } == 3)
  }

  @Test func `no more is granted than there are slots, deliveries and due rooms`() {
    var desk = desk(due: [.low: 1])
    #expect(desk.grant(0, lines: [.low: 5]).isEmpty)
    #expect(desk.grant(-3, lines: [.low: 5]).isEmpty)
    #expect(desk.grant(10, lines: [.low: 2]).count == 3)
    #expect(desk.grant(10, lines: [:]).isEmpty)
  }

  @Test func `claims that bring nothing are not made again until somebody is heard of`() {
    var desk = desk(due: [.high: 3])
    #expect(desk.grant(2, lines: [:]) == [.room(.high), .room(.high)])
    desk.claimed([:], of: [.high: 2], due: [.high: 3])
    #expect(desk.grant(2, lines: [:]).isEmpty)
    desk.heard(of: .high)
    #expect(desk.grant(2, lines: [:]) == [.room(.high)])
    desk.claimed([:], of: [.high: 1], due: [.high: 3])
    desk.learned(due: [.high: 3])
    #expect(desk.grant(1, lines: [:]) == [.room(.high)])
  }

  @Test func `claims that brought all that was wished go on`() {
    var desk = desk(due: [.high: 1])
    #expect(desk.grant(4, lines: [:]) == [.room(.high)])
    desk.claimed([.high: 1], of: [.high: 1], due: [.high: 2])
    #expect(desk.grant(4, lines: [:]) == [.room(.high), .room(.high)])
  }

  @Test func `claims that bring nothing do not hold up lower lanes`() {
    var desk = desk(due: [.critical: 1, .low: 1])
    #expect(desk.grant(1, lines: [:]) == [.room(.critical)])
    desk.claimed([:], of: [.critical: 1], due: [.critical: 1, .low: 1])
    #expect(desk.grant(1, lines: [:]) == [.room(.low)])
  }

  @Test func `a reserved turn whose job could not start is still owed to its lane`() {
    var desk = desk()
    var started: [Lane] = []
    var lowTurns = 0
    for _ in 0..<420 {
      let lane = desk.grant(1, lines: everywhere)[0].lane
      if lane == .low {
        lowTurns += 1
        if lowTurns.isMultiple(of: 2) {
          desk.giveBack(lane, ofLine: true)
          continue
        }
      }
      started.append(lane)
    }
    let low = started.count { $0 == .low }
    #expect(low >= started.count / 20)
    #expect(low <= started.count / 20 + 2)
  }

  @Test func `a delivery that could not start leaves its turn to the next of its line`() {
    var desk = desk(due: [.low: 5])
    #expect(desk.grant(1, lines: [.low: 5]) == [.line(.low)])
    desk.giveBack(.low, ofLine: true)
    #expect(desk.grant(1, lines: [.low: 4]) == [.line(.low)])
    #expect(desk.grant(1, lines: [.low: 3]) == [.room(.low)])
    desk.giveBack(.low, ofLine: false)
    #expect(desk.grant(1, lines: [.low: 3]) == [.line(.low)])
  }

  @Test func `with one slot the lowest lane starts within a cycle`() {
    var desk = desk(due: everywhere)
    let granted = (0..<20).flatMap { _ in desk.grant(1, lines: everywhere) }
    #expect(granted.contains { $0.lane == .low })
  }
}

extension SlotDesk.Source {
  fileprivate var lane: Lane {
    switch self {
    case .line(let lane), .room(let lane): lane
    }
  }
}
