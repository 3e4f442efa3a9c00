package import Admission
import Catalog
import Confinement
package import Contracts
package import Lanes
package import Logging
package import Observability
import Providers

/// One worker process: takes deliveries from the lanes, keeps its slots busy in the order the lane scheduler says, and
/// settles what has ended. The actor guards the lines in front of the slots and the leases that are held; everything
/// slow happens outside of it. See `Pipeline` for the way of one job.
package actor Worker {
  let configuration: WorkerConfiguration
  let desk: AdmissionDesk
  let intake: LaneIntake
  let pipeline: Pipeline
  let settler: Settler
  let registry: MetricRegistry
  let failpoints: Failpoints
  let logger: Logger
  let post: PostOffice
  let bays: BayKeeper
  let drainer: BayDrain
  let now: @Sendable () -> Timestamp
  let providers: ProviderShelf
  /// As its file says, whatever a freeze holds.
  let filePolicy: @Sendable () -> Policy
  private let runner: PlanRunner
  private let health: HealthDesk
  private let starts = Mailbox<Run>()
  private let endings = Mailbox<(String, PlanRunner.Leaving)>()
  private let released = Mailbox<Settler.Released>()
  /// Claims whose heads are to be taken from their bays.
  let fetches = Mailbox<Claim>()
  /// Memories of Redis for which the bays are to be looked at.
  let surveys = Mailbox<String>()
  /// Asks for a wave without waiting for it: whoever brings heads or looks for them must not be held up by one.
  let nudges = Mailbox<Void>()
  let flow = Flow()
  private let drained = Gate()
  var slotDesk: SlotDesk
  /// Deliveries in front of the slots, first come first.
  var lines: [Lane: [Arrival]] = [:]
  /// Heads that have a slot already.
  var heads: [Arrival] = []
  /// To be put in front of their lines with the next look at the rooms.
  var postponed: [Arrival] = []
  /// Refused heads in hand, by lease id, and since when.
  var deck: [String: (arrival: Arrival, since: ContinuousClock.Instant)] = [:]
  /// Numbers the claims of this process.
  var nextClaim: UInt64 = 0
  /// When the next room becomes due, as the last look said.
  var nextDue: Duration?
  /// Of Redis' memory; nil before the first look.
  var knownEpoch: String?
  var isSurveying = false
  /// Deliveries of the intake queue, which need no slot: they only move.
  var unsorted: [Arrival] = []
  /// Of the intake when the lines were last cleared of lost deliveries.
  var seenGenerations: [UInt64] = []
  /// Reconnects of the intake that are counted in the metrics.
  var countedReconnects = 0
  /// Slots that hold a job, those just being admitted included.
  var busy = 0
  var isPassing = false
  var mustPassAgain = false
  private(set) var isDraining = false
  var heldUntil: ContinuousClock.Instant?
  /// Failures of Redis in a row, and since when; nothing is taken meanwhile.
  var troubles = 0
  var troubledSince = ContinuousClock.now
  /// By lease id.
  private(set) var held: [String: HeldRun] = [:]
  /// Lease id by job id, for deliveries that come again.
  private var leaseOfJob: [String: String] = [:]

  package init(
    configuration: WorkerConfiguration, planner: @escaping @Sendable () -> Planner, desk: AdmissionDesk,
    intake: LaneIntake, post: PostOffice, bays: BayKeeper, providers: ProviderShelf, registry: MetricRegistry,
    failpoints: Failpoints, now: @escaping @Sendable () -> Timestamp, logger: Logger
  ) {
    self.configuration = configuration
    self.desk = desk
    self.intake = intake
    self.post = post
    self.bays = bays
    self.providers = providers
    filePolicy = { planner().policy }
    self.registry = registry
    self.failpoints = failpoints
    self.now = now
    self.logger = logger
    slotDesk = SlotDesk(shares: configuration.shares)
    drainer = BayDrain(intake: intake, post: post, now: now, logger: logger)
    let freezes = FreezeKeeper(desk: desk, logger: logger)
    pipeline = Pipeline(
      planner: { freezes.apply(to: planner()) }, freezes: freezes, desk: desk, failpoints: failpoints, now: now,
      logger: logger, workerID: configuration.workerID)
    let meter: @Sendable () -> Meter = { Meter(prices: planner().prices) }
    health = HealthDesk(desk: desk, pulse: flow.pulse, logger: logger)
    runner = PlanRunner(
      providers: providers, desk: desk, health: health, meter: meter, failpoints: failpoints, now: now, logger: logger)
    settler = Settler(
      writer: ActsWriter(post: post, now: now), desk: desk, post: post, intake: intake,
      parker: Parker(
        desk: desk, post: post, intake: intake, bays: bays, drain: drainer, failpoints: failpoints, logger: logger),
      meter: meter, failpoints: failpoints, released: released, registry: registry, flow: flow, logger: logger)
  }

  /// Works until `drain` has let everything end, or the task is cancelled.
  package func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.intake.run() }
      group.addTask { await self.post.run() }
      group.addTask { await self.settler.run() }
      group.addTask { await self.health.run() }
      group.addTask { await self.receive() }
      group.addTask { await self.execute() }
      group.addTask { await self.collectEndings() }
      group.addTask { await self.forgetReleased() }
      group.addTask { await self.renewLeases() }
      group.addTask { await self.tick() }
      group.addTask { await self.gauge() }
      group.addTask { await self.watchRooms() }
      group.addTask { await self.fetchHeads() }
      group.addTask { await self.passNudged() }
      group.addTask { await self.surveyBays() }
      group.addTask { await self.sweepBays() }
      _ = await drained.pass()
      group.cancelAll()
    }
    await withdraw()
  }

  /// Takes nothing new, gives back what has not begun, and lets the rest end within the grace. What has not ended then
  /// is left to its lease and to redelivery.
  package func drain() async {
    guard !isDraining else { return }
    isDraining = true
    let end = ContinuousClock.now + configuration.grace
    await intake.stop()
    let count = await putBackAll()
    logger.info("draining", metadata: [LogKey.running: "\(busy)", LogKey.count: "\(count)"])
    while busy > 0 || settler.unsettled > 0, ContinuousClock.now < end {
      do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
    }
    if busy > 0 || settler.unsettled > 0 {
      logger.warning(
        "the grace is over, the rest is left to redelivery",
        metadata: [LogKey.running: "\(busy)", LogKey.count: "\(settler.unsettled)"])
    }
    drained.open()
  }

  /// Gives back all that has not begun, and returns how much that was.
  @discardableResult
  func putBackAll() async -> Int {
    let waiting = lines.values.flatMap { $0 } + unsorted + postponed
    let claimed = heads
    lines = [:]
    postponed = []
    unsorted = []
    heads = []
    await intake.putBack(waiting.map(\.delivery))
    await abandon(claimed)
    await leaveDeck()
    return waiting.count
  }

  /// Whether it takes and runs jobs: both connections stand and nothing is paused.
  package func readiness() -> ProbeServer.Readiness {
    if isDraining { return .notReady("draining") }
    if isHeld { return .notReady("Redis lost its memory, nothing is granted yet") }
    if troubles > 0 { return .notReady("Redis does not answer") }
    return intake.isConnected ? .ready : .notReady("not connected to RabbitMQ")
  }

  private nonisolated func receive() async {
    while !Task.isCancelled {
      let deliveries = await intake.next()
      if deliveries.isEmpty { return }
      flow.took(deliveries)
      var arrivals: [Arrival] = []
      var verdicts: [Verdict] = []
      for delivery in deliveries {
        switch pipeline.decode(delivery) {
        case .arrival(let arrival): arrivals.append(arrival)
        case .verdict(let verdict): verdicts.append(verdict)
        }
      }
      settler.settle(verdicts)
      await accept(arrivals)
    }
  }

  private func accept(_ arrivals: [Arrival]) async {
    guard !isDraining else { return await intake.putBack(arrivals.map(\.delivery)) }
    for arrival in arrivals where !adopt(arrival) {
      if let lane = arrival.lane { lines[lane, default: []].append(arrival) } else { unsorted.append(arrival) }
    }
    await passWaves()
  }

  /// Heads come with the slots that were kept for them; as many slots as were kept in vain are free again.
  func accept(heads arrived: [Arrival], freeing slots: Int) async {
    busy -= slots
    guard !isDraining else { return await abandon(arrived) }
    let adopted = arrived.filter(adopt)
    let taken = Set(adopted.map(\.delivery.serial))
    heads += arrived.filter { !taken.contains($0.delivery.serial) }
    busy -= adopted.count
    await giveBack(empty: [], unused: adopted.compactMap(\.claim).map { ($0, nil) })
    nudges.put(())
  }

  /// A job that runs here and whose delivery was lost with its connection goes on under its new delivery.
  private func adopt(_ arrival: Arrival) -> Bool {
    guard let id = leaseOfJob[arrival.job.id], let run = held[id], run.isExecuting,
      run.lease.job.digest == arrival.job.digest, !intake.isCurrent(run.delivery)
    else { return false }
    run.delivery = arrival.delivery
    return true
  }

  func start(_ runs: [Run]) {
    for run in runs {
      held[run.lease.leaseID] = HeldRun(run)
      leaseOfJob[run.job.id] = run.lease.leaseID
    }
    starts.put(contentsOf: runs)
  }

  private nonisolated func execute() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let runs = await starts.take()
        if runs.isEmpty { break }
        for run in runs {
          group.addTask {
            let leaving = await run.stop.reaching { await self.runner.execute(run) { await self.advanced($0) } }
            self.endings.put((run.lease.leaseID, leaving))
          }
        }
      }
      group.cancelAll()
    }
  }

  /// The run goes on with another attempt: renewals must say so.
  private func advanced(_ lease: HeldLease) { held[lease.leaseID]?.lease = lease }

  private func collectEndings() async {
    while !Task.isCancelled {
      let batch = await endings.take()
      if batch.isEmpty { return }
      busy -= batch.count
      settler.settle(batch.compactMap { leaseID, leaving in verdict(on: leaseID, leaving) })
      await passWaves()
    }
  }

  /// Nil for a run that was abandoned, whose lease runs out by itself, and for one that gave it back in its middle: its
  /// delivery stands in line again.
  private func verdict(on leaseID: String, _ leaving: PlanRunner.Leaving) -> Verdict? {
    guard let run = held[leaseID] else { return nil }
    switch leaving {
    case .ended(let end):
      run.isExecuting = false
      return .ended(end, run.delivery)
    case .abandoned: release(leaseID)
    case .suspended(let suspended):
      release(leaseID)
      lines[suspended.lane, default: []].insert(Arrival(suspended, run.delivery), at: 0)
    case .paused(let paused, let pause, let events, let passedOver):
      release(leaseID)
      settler.announce(events.map { $0.encoded() })
      registry.count(events)
      return .rest(Arrival(paused, run.delivery), after: pause, passedOver: passedOver)
    }
    return nil
  }

  private func forgetReleased() async {
    while !Task.isCancelled {
      let leases = await released.take()
      if leases.isEmpty { return }
      for lease in leases { release(lease.leaseID) }
      let next = leases.compactMap(\.next).filter { configuration.lanes.contains($0) }
      guard !next.isEmpty else { continue }
      for lane in next { slotDesk.heard(of: lane) }
      nudges.put(())
    }
  }

  private func release(_ leaseID: String) {
    guard let run = held.removeValue(forKey: leaseID) else { return }
    if leaseOfJob[run.lease.job.id] == leaseID { leaseOfJob[run.lease.job.id] = nil }
  }
}
