import Contracts
import Testing
import Work

@Suite struct LaneSchedulerTests {
  private func grants(_ count: Int, shares: LaneScheduler.Shares = .init(), _ hasWork: (Lane) -> Bool) -> [Lane] {
    var scheduler = LaneScheduler(shares: shares)
    return (0..<count).compactMap { _ in scheduler.next(hasWork: hasWork) }
  }

  @Test func `of every 20 grants under saturation 15 2 2 1 go to the lanes`() {
    let all = grants(200) { _ in true }
    for start in stride(from: 0, through: 180, by: 1) {
      let window = all[start..<start + 20]
      #expect(window.count { $0 == .critical } == 15)
      #expect(window.count { $0 == .high } == 2)
      #expect(window.count { $0 == .standard } == 2)
      #expect(window.count { $0 == .low } == 1)
    }
  }

  @Test func `a reserved grant without work goes to the highest lane that has some`() {
    #expect(grants(40) { $0 == .critical } == Array(repeating: .critical, count: 40))
    #expect(grants(40) { $0 == .low } == Array(repeating: .low, count: 40))
    #expect(!grants(40) { $0 != .critical }.contains(.critical))
  }

  @Test func `strict preference holds between lanes outside the shares`() {
    let two = grants(100) { $0 == .high || $0 == .low }
    #expect(two.count { $0 == .low } == 5)
  }

  @Test func `nothing is granted when no lane has work`() {
    #expect(grants(5) { _ in false }.isEmpty)
  }

  @Test func `shares can be set`() {
    let all = grants(20, shares: .init(high: 5, standard: 4, low: 3)) { _ in true }
    #expect(all.count { $0 == .high } == 5)
    #expect(all.count { $0 == .standard } == 4)
    #expect(all.count { $0 == .low } == 3)
  }

  @Test func `a turn that brought nothing is still owed to its lane`() {
    var scheduler = LaneScheduler()
    var started: [Lane] = []
    // Every second low job is over its limit and does not start.
    var lowSeen = 0
    for _ in 0..<420 {
      guard let lane = scheduler.next(hasWork: { _ in true }) else { continue }
      if lane == .low {
        lowSeen += 1
        if lowSeen % 2 == 0 {
          scheduler.giveBack(lane)
          continue
        }
      }
      started.append(lane)
    }
    let low = started.count { $0 == .low }
    #expect(low >= started.count / 20)
    #expect(low <= started.count / 20 + 2)
  }

  @Test func `preference is owed nothing`() {
    var scheduler = LaneScheduler()
    for _ in 0..<100 { scheduler.giveBack(.critical) }
    let next = (0..<20).compactMap { _ in scheduler.next(hasWork: { _ in true }) }
    #expect(next.count { $0 == .low } == 1)
  }
}
