import Admission
import Billing
import Catalog
import Contracts
import Operations
import Testing

struct FleetSampleMakerTests {
  private static let zero = Timestamp(milliseconds: 1_795_323_164_000)
  private let start = ContinuousClock.now
  private var maker = FleetSampleMaker(at: Self.zero)

  private func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: Self.zero.milliseconds + seconds * 1000) }
  private func instant(_ seconds: Int64) -> ContinuousClock.Instant { start + .seconds(seconds) }

  private func figures(at seconds: Int64, _ change: (inout FleetFigures) -> Void = { _ in }) -> FleetFigures {
    var report = WorkerReport(worker: "w1", slots: 8)
    report.running[.high] = 3
    report.buffered[.high] = 2
    report.oldest[.high] = .seconds(4)
    report.calls["echo"] = DurationHistogram()
    for length in 1...20 { report.calls["echo"]?.add(.milliseconds(length * 100)) }
    var figures = FleetFigures(
      at: time(seconds), workers: [report], waiting: [.high: [.concurrency: 12, .providerResting: 1, .catchingUp: 0]],
      heads: [.high: 5])
    change(&figures)
    return figures
  }

  private func policy() throws -> Policy {
    try PolicyFile.read(
      text: """
        version: 1
        default_tier: FREE
        tiers:
          FREE: {priority: high, service_level: {waitP95: 5s}, model_policy: {providers: {echo: [echo]}}}
        providers: {echo: {kind: echo}}
        models: [{provider: echo, task: echo, model: echo}]
        """
    ).0
  }

  @Test mutating func `nothing is known before anybody has answered`() {
    let sample = maker.sample(at: instant(0))
    #expect(sample.isStale && sample.age == nil && sample.dead == nil && sample[.high].ready == nil)
    #expect(sample.money == nil && sample.conditions == nil && sample.lanes.count == Lane.allCases.count)
  }

  @Test mutating func `a lane has what Redis and what the broker say of it`() throws {
    maker.saw(figures(at: 0), freeze: "off", under: try policy(), at: instant(0))
    var queues = FleetSampleMaker.Queues()
    queues.ready[.high] = 10
    queues.consumers[.high] = 1
    (queues.dead, queues.blocked) = (3, 4)
    maker.saw(queues, at: time(0), instant(0))
    let sample = maker.sample(at: instant(2))
    let lane = sample[.high]
    #expect(lane.ready == 10 && lane.runnable == 17 && lane.running == 3 && lane.consumers == 1)
    #expect(lane.theirs.map(\.count) == [12] && lane.ours.map(\.reason) == [.providerResting])
    #expect(lane.waitingTheirs == 12 && lane.waitingOurs == 18 && lane.backlog == 30, "what lacks a slot is ours")
    #expect(lane.oldestRunnable == .seconds(4) && lane.promise == .seconds(5) && !lane.isLate)
    #expect(sample.workers == 1 && sample.slots == 8 && sample.busy == 3 && sample.dead == 3 && sample.blocked == 4)
    #expect(sample.age == .seconds(2) && !sample.isStale && sample.freeze.isOn == false)
    let echo = try #require(sample.providers.first)
    #expect(echo.row.state == .serving && echo.callsPerMinute == 20)
    #expect(try #require(echo.p50) < #require(echo.p95))
  }

  @Test mutating func `who is away is told since when, and what it said last stays`() {
    maker.saw(figures(at: 0), freeze: nil, under: nil, at: instant(0))
    maker.missed(.redis, "Redis cannot be asked.", at: time(3))
    maker.missed(.redis, "Redis cannot be asked.", at: time(4))
    var sample = maker.sample(at: instant(10))
    #expect(sample.redis.awaySince == time(3) && sample.redis.age == .seconds(10) && sample.isStale)
    #expect(sample[.high].running == 3 && sample.time == time(0))
    maker.saw(figures(at: 11), freeze: nil, under: nil, at: instant(11))
    sample = maker.sample(at: instant(11))
    #expect(!sample.redis.isAway && sample.redis.why == nil && sample.redis.age == .zero)
  }

  @Test mutating func `letters that came count for five minutes, those that were taken do not count against them`() {
    for (second, dead) in [(0, 5), (10, 9), (20, 2), (30, 4)] as [(Int64, Int)] {
      var queues = FleetSampleMaker.Queues()
      queues.dead = dead
      maker.saw(queues, at: time(second), instant(second))
    }
    #expect(maker.sample(at: instant(30)).deadGrowth == 6)
    maker.saw(FleetSampleMaker.Queues(), at: time(312), instant(312))
    #expect(maker.sample(at: instant(312)).deadGrowth == 2)
  }

  @Test mutating func `cost events that only become more are not booked`() {
    for (second, costs, unbooked) in [(0, 0, nil), (10, 4, 0), (40, 9, 30), (50, 3, 0), (60, 3, 10), (70, 0, nil)]
      as [(Int64, Int, Int64?)]
    {
      var queues = FleetSampleMaker.Queues()
      queues.costs = costs
      maker.saw(queues, at: time(second), instant(second))
      #expect(maker.sample(at: instant(second)).unbooked == unbooked.map { .seconds($0) }, "after \(second) s")
    }
  }

  @Test mutating func `messages that nobody takes grow old`() {
    maker.saw(FleetFigures(at: time(0)), freeze: nil, under: nil, at: instant(0))
    var queues = FleetSampleMaker.Queues()
    queues.ready[.low] = 3
    maker.saw(queues, at: time(0), instant(0))
    maker.saw(queues, at: time(40), instant(40))
    #expect(maker.sample(at: instant(40))[.low].oldestRunnable == .seconds(40))
  }

  @Test mutating func `the freeze is Redis' word, since when and by whom the ledger's`() throws {
    let freeze = Freeze(of: try policy(), id: "f1", since: time(-60), by: "ana", reason: "an incident")
    let money = MoneySample(asOf: time(0), month: "2026-11")
    let books = FleetSampleMaker.Books(conditions: [], holds: [], freeze: freeze, money: money)
    maker.saw(books, at: instant(0))
    #expect(maker.sample(at: instant(0)).freeze == FreezeSample())
    maker.saw(figures(at: 1), freeze: "f1", under: nil, at: instant(1))
    let sample = maker.sample(at: instant(1))
    #expect(sample.freeze == FreezeSample(isOn: true, since: time(-60), by: "ana", reason: "an incident"))
    #expect(sample.money == money && sample.conditions == [])
  }

  @Test mutating func `users that wait most have the tier that was assigned and their starts by the clock`() {
    let line = WaitingLine(
      lane: .high, user: "ana", waiting: 9, reason: .concurrency, limit: 2, active: 2, untilFirst: .seconds(3),
      untilLast: .seconds(40), entitlement: [1])
    maker.saw([line], at: time(5)) { $0 == [1] ? "PRO" : nil }
    #expect(
      maker.sample(at: instant(5)).users == [
        WaitingUser(
          user: "ana", lane: .high, tier: "PRO", running: 2, limit: 2, waiting: 9, reason: .concurrency,
          firstStart: time(8), lastStart: time(45))
      ])
  }

  @Test func `a trend keeps a quarter of an hour and leaves gaps`() {
    var trend = FleetTrend()
    var sample = FleetSample(time: Self.zero)
    trend.add(sample)
    (sample.redis.age, sample.broker.age) = (.zero, .seconds(1))
    sample.lanes[0].running = 7
    for _ in 1...70 { trend.add(sample) }
    sample.redis.awaySince = Self.zero
    trend.add(sample)
    let points = trend.points[sample.lanes[0].lane] ?? []
    #expect(points.count == FleetTrend.length && points.last == .some(nil))
    #expect(points.first == FleetTrend.Point(running: 7, runnable: 0, waiting: 0))
  }
}
