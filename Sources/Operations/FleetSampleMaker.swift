package import Admission
package import Billing
package import Catalog
package import Contracts

/// Makes samples of what was read, each part when it comes, and remembers what a single reading cannot say: paces, how
/// long messages lie in the queues, how many letters came. Pure: whoever reads tells it what was read and when.
package struct FleetSampleMaker: Sendable {
  package enum Origin: Sendable, CaseIterable { case redis, broker, ledger }

  /// What the broker says of its queues.
  package struct Queues: Sendable, Hashable {
    package var ready: [Lane: Int] = [:]
    package var consumers: [Lane: Int] = [:]
    package var dead = 0
    package var blocked = 0
    /// Cost events that are not booked.
    package var costs = 0

    package init() {}
  }

  /// What the ledger says.
  package struct Books: Sendable {
    package var conditions: [Condition]
    package var holds: [ProviderHold]
    package var freeze: Freeze?
    package var money: MoneySample

    package init(conditions: [Condition], holds: [ProviderHold], freeze: Freeze?, money: MoneySample) {
      self.conditions = conditions
      self.holds = holds
      self.freeze = freeze
      self.money = money
    }
  }

  private var sample: FleetSample
  private var answeredAt: [Origin: ContinuousClock.Instant] = [:]
  private var pace = FleetPace()
  private var ages = QueueAges()
  private var queueAges: [Lane: Duration] = [:]
  private var workers: [WorkerReport] = []
  private var heads: [Lane: Int] = [:]
  private var queues: Queues?
  private var holds: [ProviderHold] = []
  private var frozen: Freeze?
  private var gains: [(at: Timestamp, count: Int)] = []
  /// Since when no cost event was booked of those that wait.
  private var unbookedSince: Timestamp?

  /// - Parameter time: by this machine's clock, until Redis has answered.
  package init(at time: Timestamp) { sample = FleetSample(time: time) }

  /// - Parameters:
  ///   - freeze: the id in force, `AdmissionDesk.noFreeze`, or nil when Redis does not know.
  ///   - policy: nil where there is none at hand: then nothing is known of promises and of providers that serve.
  package mutating func saw(
    _ figures: FleetFigures, freeze: String?, under policy: Policy?, at instant: ContinuousClock.Instant
  ) {
    answered(.redis, at: instant)
    sample.time = figures.at
    pace.look(figures.workers, at: figures.at)
    workers = figures.workers
    heads = figures.heads
    sample.workers = figures.workers.count
    sample.slots = figures.slots
    sample.finishedPerMinute = pace.finishedPerMinute
    sample.lastEnd = pace.lastEnd.map { .milliseconds(max(0, figures.at.milliseconds - $0.milliseconds)) }
    sample.hold = figures.hold
    sample.notices = LaneBoard.notices(figures)
    sample.freeze.isOn = freeze.map { $0 != AdmissionDesk.noFreeze }
    sample.lanes = Lane.allCases.map { lane in
      var row = sample[lane]
      row.running = figures.running(lane)
      row.waiting = (figures.waiting[lane] ?? [:]).filter { $0.value > 0 }
      row.oldestRunnable = figures.oldestRunnable(lane)
      row.promise = policy?.waitTarget(of: lane)
      row.takenPerMinute = pace.takenPerMinute(lane)
      row.finishedPerMinute = pace.endedPerMinute(lane)
      return row
    }
    let board = ProviderBoard(
      policy: policy ?? .empty, breakers: figures.providers, holds: holds, now: figures.at)
    sample.providers = board.rows.map { row in
      guard row.model == nil else { return ProviderSample(row) }
      let calls = figures.calls(row.provider)
      return ProviderSample(
        row, p50: calls.percentile(50), p95: calls.percentile(95), callsPerMinute: calls.count)
    }
    settle()
  }

  /// - Parameter tier: of what is laid down for a user.
  package mutating func saw(
    _ lines: [WaitingLine], at time: Timestamp, tier: ([UInt8]) -> String?
  ) {
    func after(_ length: Duration?) -> Timestamp? {
      length.map { Timestamp(milliseconds: time.milliseconds + $0.milliseconds) }
    }
    sample.users = lines.map { line in
      WaitingUser(
        user: line.user, lane: line.lane, tier: line.entitlement.flatMap(tier), running: line.active,
        limit: line.limit, waiting: line.waiting, reason: line.reason,
        firstStart: after(line.untilFirst), lastStart: after(line.untilLast))
    }
  }

  /// - Parameter time: of one clock throughout.
  package mutating func saw(_ queues: Queues, at time: Timestamp, _ instant: ContinuousClock.Instant) {
    answered(.broker, at: instant)
    if let before = self.queues, queues.dead > before.dead { gains.append((time, queues.dead - before.dead)) }
    let begin = Timestamp(milliseconds: time.milliseconds - ConditionRules.window.milliseconds)
    gains.removeAll { $0.at <= begin }
    sample.deadGrowth = gains.reduce(0) { $0 + $1.count }
    let areFewer = self.queues.map { queues.costs < $0.costs } ?? true
    unbookedSince = queues.costs == 0 ? nil : areFewer ? time : unbookedSince ?? time
    sample.unbooked = unbookedSince.map { .milliseconds(max(0, time.milliseconds - $0.milliseconds)) }
    sample.dead = queues.dead
    sample.blocked = queues.blocked
    sample.money?.eventsWaiting = queues.costs
    queueAges = ages.look(workers: workers, ready: queues.ready, at: time)
    self.queues = queues
    settle()
  }

  package mutating func saw(_ books: Books, at instant: ContinuousClock.Instant) {
    answered(.ledger, at: instant)
    holds = books.holds
    frozen = books.freeze
    sample.conditions = books.conditions.sorted { ($0.since, $0.key) < ($1.since, $1.key) }
    sample.money = books.money
    sample.money?.eventsWaiting = queues?.costs
    settle()
  }

  /// It does not answer; what it said last stays.
  /// - Parameter why: one sentence for people.
  package mutating func missed(_ origin: Origin, _ why: String, at time: Timestamp) {
    sample[origin].awaySince = sample[origin].awaySince ?? time
    sample[origin].why = why
  }

  /// As it stands now.
  package func sample(at instant: ContinuousClock.Instant) -> FleetSample {
    var sample = sample
    for origin in Origin.allCases {
      sample[origin].age = answeredAt[origin].map { max(.zero, instant - $0) }
    }
    return sample
  }

  private mutating func answered(_ origin: Origin, at instant: ContinuousClock.Instant) {
    answeredAt[origin] = instant
    sample[origin] = FleetSample.Source()
  }

  /// What takes two readings to say.
  private mutating func settle() {
    for index in sample.lanes.indices {
      let lane = sample.lanes[index].lane
      let waiting = workers.reduce(heads[lane] ?? 0) { $0 + ($1.buffered[lane] ?? 0) }
      sample.lanes[index].ready = queues.map { $0.ready[lane] ?? 0 }
      sample.lanes[index].consumers = queues.map { $0.consumers[lane] ?? 0 }
      sample.lanes[index].runnable = waiting + (queues?.ready[lane] ?? 0)
      sample.lanes[index].oldestRunnable = max(sample.lanes[index].oldestRunnable, queueAges[lane] ?? .zero)
    }
    let isOn = sample.freeze.isOn == true
    sample.freeze.since = isOn ? frozen?.since : nil
    sample.freeze.by = isOn ? frozen?.by : nil
    sample.freeze.reason = isOn ? frozen?.reason : nil
  }
}

extension FleetSample {
  fileprivate subscript(origin: FleetSampleMaker.Origin) -> Source {
    get {
      switch origin {
      case .redis: redis
      case .broker: broker
      case .ledger: ledger
      }
    }
    set {
      switch origin {
      case .redis: redis = newValue
      case .broker: broker = newValue
      case .ledger: ledger = newValue
      }
    }
  }
}

extension Policy {
  /// Names nothing.
  fileprivate static let empty = Policy(
    defaultTier: "", trustsMessageTier: false, aliases: [:], tiers: [:], providers: [:], models: [], plainHTTPHosts: [])
}
