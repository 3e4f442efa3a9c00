import AMQP
import Admission
import Billing
import Catalog
import Console
import Contracts
import Lanes
import Logging
import Operations
import ServiceLifecycle
import Synchronization

/// Reads the fleet for all who look at it: Redis and the broker once a second, the ledger every ten, and hardly ever while
/// nobody looks. What it costs does not depend on how many look. Each is asked by a task of its own, so that one that
/// hangs does not make the others old. Safe to share; `run` once.
final class FleetSampler: Sendable {
  /// How often who is asked.
  struct Pace: Sendable {
    var busy: Duration
    /// While nobody looks.
    var idle: Duration
  }

  private struct State {
    var maker: FleetSampleMaker
    var trend = FleetTrend()
    var trendAt: ContinuousClock.Instant?
    var number = 0
    var askedAt: ContinuousClock.Instant?
    /// Those that do not answer, told once.
    var silent: Set<FleetSampleMaker.Origin> = []
  }

  private static var mostUsers: Int { 20 }
  /// Somebody looks for so long after a page was asked for.
  private static var attention: Duration { .seconds(60) }
  private static var tick: Duration { .milliseconds(100) }
  /// A page that was asked for after a quiet time waits so long for what is new.
  private static var patience: Duration { .seconds(1) }
  /// Of the ledger's time that others have, for each part that this takes.
  private static var leisure: Int { 20 }
  private static let live = Pace(busy: .seconds(1), idle: .seconds(15))
  private static let lines = Pace(busy: .seconds(5), idle: .seconds(15))
  private static let books = Pace(busy: .seconds(10), idle: .seconds(60))

  private let desk: AdmissionDesk
  private let broker: LaneBroker
  private let policy: @Sendable () -> Policy
  private let ledger: LedgerAccess
  private let gallery: Gallery<FleetFrame>
  private let configuration: GatewayConfiguration
  private let now: @Sendable () -> Timestamp
  private let logger: Logger
  private let state: Mutex<State>

  /// - Parameters:
  ///   - seats: shared with others.
  ///   - now: the wall clock, for when something stopped answering and for what was spent today.
  init(
    desk: AdmissionDesk, broker: LaneBroker, policy: @escaping @Sendable () -> Policy, ledger: LedgerAccess,
    seats: Seats, configuration: GatewayConfiguration, now: @escaping @Sendable () -> Timestamp, logger: Logger
  ) {
    self.desk = desk
    self.broker = broker
    self.policy = policy
    self.ledger = ledger
    gallery = Gallery(seats: seats)
    self.configuration = configuration
    self.now = now
    self.logger = logger
    state = Mutex(State(maker: FleetSampleMaker(at: now())))
  }

  // MARK: for pages

  /// What is known now. After a quiet time it waits a moment for something newer.
  func current() async -> FleetSight {
    state.withLock { $0.askedAt = .now }
    let end = ContinuousClock.now + Self.patience
    while !isFresh, ContinuousClock.now < end {
      do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
    }
    return sight()
  }

  private var isFresh: Bool {
    let sample = state.withLock { $0.maker.sample(at: .now) }
    return [sample.redis, sample.broker].allSatisfy { $0.isAway || $0.age.map { $0 <= Self.live.busy * 2 } ?? false }
  }

  private func sight() -> FleetSight {
    let (sample, trend) = state.withLock { state in
      var sample = state.maker.sample(at: .now)
      sample.number = state.number
      return (sample, state.trend)
    }
    return FleetSight(sample, trend)
  }

  // MARK: for those who watch

  /// The first frame is there as soon as there are figures.
  func join(for holder: Seats.Holder) throws(Problem) -> Gallery<FleetFrame>.Seat {
    try gallery.join(true, for: holder)
  }

  private func show() {
    state.withLock { $0.number += 1 }
    let viewers = gallery.viewers
    guard !viewers.isEmpty else { return }
    let sight = sight()
    let frame = FleetFrame(
      number: sight.sample.number, cells: Console.cells(of: sight.sample, sight.verdict))
    for viewer in viewers {
      viewer.offer(frame)
      viewer.beat(every: configuration.heartbeat)
    }
  }

  // MARK: reading

  private var isLookedAt: Bool {
    guard gallery.isEmpty else { return true }
    return state.withLock { $0.askedAt }.map { ContinuousClock.now - $0 < Self.attention } ?? false
  }

  /// Until cancelled.
  private func keep(_ pace: Pace, leisure: Int = 0, _ act: () async -> Void) async {
    var due = ContinuousClock.now
    var isBusy = false
    while !Task.isCancelled {
      let isLookedAt = isLookedAt
      if ContinuousClock.now >= due || (isLookedAt && !isBusy) {
        let begin = ContinuousClock.now
        await act()
        due = begin + max(isLookedAt ? pace.busy : pace.idle, (.now - begin) * leisure)
      }
      isBusy = isLookedAt
      do { try await Task.sleep(for: Self.tick) } catch { return }
    }
  }

  private func readRedis() async {
    do {
      let figures = try await desk.fleetFigures()
      let freeze = try await desk.freezeID()
      let policy = policy()
      state.withLock { $0.maker.saw(figures, freeze: freeze, under: policy, at: .now) }
      heard(.redis)
    } catch {
      missed(.redis, error)
    }
    state.withLock { state in
      let isDue = state.trendAt.map { ContinuousClock.now - $0 >= FleetTrend.step - Self.live.busy } ?? true
      guard isDue, state.maker.sample(at: .now).broker.age != nil || state.trendAt != nil else { return }
      state.trend.add(state.maker.sample(at: .now))
      state.trendAt = .now
    }
  }

  private func readLines() async {
    do {
      let (lines, at) = try await desk.longestLines(Self.mostUsers)
      state.withLock { state in
        state.maker.saw(lines, at: at) { Entitlement.stored($0, logger: logger)?.tier }
      }
    } catch {
      missed(.redis, error)
    }
  }

  private func readQueues(_ admin: AMQPAdmin) async {
    do {
      let queues = try await FleetSampleMaker.Queues.read(broker.topology, through: admin)
      state.withLock { $0.maker.saw(queues, at: now(), .now) }
      heard(.broker)
    } catch {
      missed(.broker, error)
    }
  }

  private func readBooks(_ reader: inout MoneyReader) async {
    do {
      let books = try await FleetSampleMaker.Books.read(
        try await ledger.ledger(), &reader, policy().budgets, at: now())
      state.withLock { $0.maker.saw(books, at: .now) }
      heard(.ledger)
    } catch {
      missed(.ledger, error)
    }
  }

  private func heard(_ origin: FleetSampleMaker.Origin) {
    guard state.withLock({ $0.silent.remove(origin) }) != nil else { return }
    logger.info("\(origin.name) is seen again by the console")
  }

  private func missed(_ origin: FleetSampleMaker.Origin, _ error: any Error) {
    guard !Task.isCancelled else { return }
    let isNew = state.withLock { state in
      state.maker.missed(origin, origin.silence(error), at: now())
      return state.silent.insert(origin).inserted
    }
    guard isNew else { return }
    logger.notice("\(origin.name) is not seen by the console", metadata: [LogKey.error: "\(error)"])
  }
}

extension FleetSampler: Service {
  /// Until the gateway drains: then every stream ends.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      let admin = self.broker.admin()
      await withDiscardingTaskGroup { group in
        group.addTask { await self.keep(Self.live) { await self.readRedis() } }
        group.addTask { await self.keep(Self.lines) { await self.readLines() } }
        group.addTask { await self.keep(Self.live) { await self.readQueues(admin) } }
        group.addTask {
          var reader = MoneyReader()
          await self.keep(Self.books, leisure: Self.leisure) { await self.readBooks(&reader) }
        }
        group.addTask { await self.keep(Self.live) { self.show() } }
      }
      await admin.close()
    }
    gallery.close()
  }
}

extension FleetSampleMaker.Origin {
  fileprivate var name: String {
    switch self {
    case .redis: "Redis"
    case .broker: "the broker"
    case .ledger: "the ledger"
    }
  }

  /// For people: neither addresses nor what a server said are repeated.
  fileprivate func silence(_ error: any Error) -> String {
    switch self {
    case .redis: "Redis cannot be asked from this gateway."
    case .broker: "The broker cannot be asked from this gateway."
    case .ledger:
      (error as? LedgerError).map { "The ledger cannot be read: \($0.remedy)." } ?? "The ledger cannot be read."
    }
  }
}
