import Contracts
import TestKit
import Testing

/// What one kind of load does to the others, in virtual time.
@Suite struct ScenarioTests {
  private func play(
    _ world: SimulatedWorld, seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation,
    before: (Simulation) -> Void = { _ in }
  ) -> Simulation {
    let simulation = Simulation(world, seed: seed)
    before(simulation)
    let failure = simulation.run()
    #expect(failure == nil, sourceLocation: sourceLocation)
    return simulation
  }

  private func waits(of user: Int, in simulation: Simulation) -> [Int] {
    let jobs = simulation.world.jobs
    return jobs.indices.filter { jobs[$0].user == user }.map { simulation.audit.wait(of: $0) / 1000 }.sorted()
  }

  /// Sent in turns, or all of one user before those of the next, which gives the first ones a start.
  @Test(arguments: 1...5, [(gap: 6, most: 1.2), (gap: 0, most: 1.5)])
  func `users with equal load in one lane wait equally long`(seed: UInt64, sent: (gap: Int, most: Double)) {
    var world = SimulatedWorld()
    world.slots = [3, 4]
    world.users = Array(repeating: .init(lane: .standard, limit: 2), count: 6)
    for user in 0..<6 { world.add(40, of: user, from: user, every: sent.gap, length: 50 * SimulatedWorld.millisecond) }
    let simulation = play(world, seed: seed)
    let means = (0..<6).map { user in waits(of: user, in: simulation).reduce(0, +) / 40 }
    #expect(Double(means.max() ?? 0) <= sent.most * Double(means.min() ?? 0), "\(means)")
  }

  @Test(arguments: [(limit: 2, most: 20), (limit: 5, most: 60)])
  func `a light user starts soon beside a thousand waiting jobs of another`(limit: Int, most: Int) {
    var world = SimulatedWorld()
    world.slots = [3, 3]
    world.users = [.init(lane: .low, limit: limit), .init(lane: .low, limit: 2)]
    world.add(1000, of: 0, from: 0, every: 0, length: 40 * SimulatedWorld.millisecond)
    world.add(20, of: 1, from: 2 * SimulatedWorld.second, every: 150_000, length: 10 * SimulatedWorld.millisecond)
    let simulation = play(world)
    let longest = waits(of: 1, in: simulation).last ?? .max
    #expect(longest <= most)
    let visits = simulation.broker.deliveries + simulation.broker.heads
    #expect(visits <= 4 * world.jobs.count)
  }

  @Test func `a freed slot is used at once while its user waits and the fleet has room`() {
    var world = SimulatedWorld()
    world.slots = [4, 4]
    world.users = [.init(lane: .standard, limit: 2), .init(lane: .high, limit: 3)]
    world.add(200, of: 0, from: 0, every: 0, length: 200 * SimulatedWorld.millisecond)
    world.add(100, of: 1, from: 0, every: 190_000, length: 30 * SimulatedWorld.millisecond)
    let simulation = play(world)
    let starts = world.jobs.indices.compactMap { world.jobs[$0].user == 0 ? simulation.audit.start(of: $0) : nil }
    let ideal = 200 * 200 * SimulatedWorld.millisecond / 2
    let use = Double(ideal) / Double((starts.max() ?? .max) + 200 * SimulatedWorld.millisecond)
    #expect(use >= 0.95)
    #expect(simulation.audit.longestIdle <= 60 * SimulatedWorld.millisecond)
  }

  @Test(arguments: [2, 3, 5])
  func `the expected start of the median waiting job is within 30 percent`(limit: Int) {
    var world = SimulatedWorld()
    world.slots = [4, 4]
    world.users = [.init(lane: .low, limit: limit), .init(lane: .critical, limit: 4)]
    var random = SplitMix64(seed: 7)
    for _ in 0..<300 {
      world.add(1, of: 0, from: 0, every: 0, length: random.draw(50...350) * SimulatedWorld.millisecond)
    }
    world.add(100, of: 1, from: 0, every: 150_000, length: 100 * SimulatedWorld.millisecond)
    var expected: [Int: Int] = [:]
    let asked = 2 * SimulatedWorld.second
    let simulation = play(world) { simulation in
      simulation.after(asked, "explain") { simulation in
        for job in 0..<300 {
          expected[job] = simulation.rooms.explainedStart(
            of: job, .init(lane: .low, user: 0), world.users[0], at: simulation.now)
        }
      }
    }
    let errors = expected.compactMap { job, milliseconds -> Double? in
      guard let start = simulation.audit.start(of: job), start > asked else { return nil }
      return abs(Double(milliseconds * 1000) / Double(start - asked) - 1)
    }.sorted()
    #expect(errors.count > 200)
    #expect(errors[errors.count / 2] <= 0.3)
  }

  @Test func `under saturation the lanes get their shares whether jobs come from lines or rooms`() {
    var world = SimulatedWorld()
    world.slots = [5]
    world.line = 40
    for lane in Lane.allCases {
      for _ in 0..<3 {
        world.users.append(.init(lane: lane, limit: 4))
        world.add(
          lane == .critical ? 100 : 15, of: world.users.count - 1, from: world.users.count, every: 12,
          length: 20 * SimulatedWorld.millisecond)
      }
    }
    let simulation = play(world)
    // The jobs that started before the critical lane had nothing left.
    let critical = world.jobs.indices.filter { world.jobs[$0].lane == .critical }
    let end = critical.compactMap { simulation.audit.start(of: $0) }.max() ?? 0
    let started = world.jobs.indices.filter { simulation.audit.start(of: $0) ?? .max < end }
    let shares = Lane.allCases.map { lane in
      Double(started.count { world.jobs[$0].lane == lane }) / Double(started.count)
    }
    #expect((0.70...0.80).contains(shares[0]), "\(shares)")
    #expect((0.08...0.13).contains(shares[1]), "\(shares)")
    #expect((0.08...0.13).contains(shares[2]), "\(shares)")
    #expect((0.03...0.08).contains(shares[3]), "\(shares)")
  }

  @Test func `rates are used to the full and never exceeded`() {
    var world = SimulatedWorld()
    world.slots = [4, 4]
    world.users = [.init(lane: .high, limit: 4, perSecond: 20, burst: 5)]
    world.add(200, of: 0, from: 0, every: 0, length: 10 * SimulatedWorld.millisecond)
    let simulation = play(world)
    let starts = world.jobs.indices.compactMap { simulation.audit.start(of: $0) }.sorted()
    for (index, start) in starts.enumerated() {
      let window = starts[index...].prefix { $0 < start + SimulatedWorld.second }
      #expect(window.count <= 25 + 1)  // starts are seen a reply later than they are counted
    }
    let ideal = (200 - 5) * SimulatedWorld.second / 20
    #expect(starts[199] - starts[0] <= ideal * 110 / 100)
  }
}
