import Admission
import Catalog
import Confinement
import Contracts
import Lanes
import Logging
import Observability
import Synchronization

/// Carries out acts, many deliveries at a time, in stages that run beside each other: first copies and the written end,
/// then cost events, then results and acks; jobs that are parked have a stage of their own. A stage takes whatever has
/// gathered while it was busy, so batches grow with the load and an idle fleet does not wait. Nothing is given up: what
/// fails is tried again until it is done or the worker ends, and then the broker delivers it again.
final class Settler: Sendable {
  /// A lease that was given back, and the lane in which a waiting job of the same user can run now.
  typealias Released = (leaseID: String, next: Lane?)

  private let writer: ActsWriter
  let desk: AdmissionDesk
  private let post: PostOffice
  private let intake: LaneIntake
  private let parker: Parker
  private let meter: @Sendable () -> Meter
  private let failpoints: Failpoints
  private let registry: MetricRegistry
  private let flow: Flow
  let logger: Logger
  private let count = Mutex(0)
  /// Metered events that are written down in Redis and not yet confirmed by the broker, by id.
  private let unconfirmed = Mutex<[String: (user: String, month: String, spent: Spending)]>([:])

  private let incoming = Mailbox<Verdict>()
  private let parking = Mailbox<(Arrival, ParkingPlace)>()
  private let priced = Mailbox<Acts>()
  private let announced = Mailbox<Acts>()
  private let loose = Mailbox<Dispatch>()
  private let released: Mailbox<Released>

  init(
    writer: ActsWriter, desk: AdmissionDesk, post: PostOffice, intake: LaneIntake, parker: Parker,
    meter: @escaping @Sendable () -> Meter, failpoints: Failpoints, released: Mailbox<Released>,
    registry: MetricRegistry, flow: Flow, logger: Logger
  ) {
    self.writer = writer
    self.desk = desk
    self.post = post
    self.intake = intake
    self.parker = parker
    self.meter = meter
    self.failpoints = failpoints
    self.logger = logger
    self.released = released
    self.registry = registry
    self.flow = flow
  }

  var patience: Patience { Patience(logger: logger) }

  /// Deliveries between verdict and ack.
  var unsettled: Int { count.withLock { $0 } }

  /// What Redis has to be told again after a loss: spent, and not yet on its way to the ledger.
  var unconfirmedEvents: [(user: String, id: String, month: String, spent: Spending)] {
    unconfirmed.withLock { $0.map { (user: $1.user, id: $0, month: $1.month, spent: $1.spent) } }
  }

  /// Never waits; what is put in here is bounded by the prefetch of the lanes.
  func settle(_ verdicts: [Verdict]) {
    guard !verdicts.isEmpty else { return }
    count.withLock { $0 += verdicts.count }
    incoming.put(contentsOf: verdicts)
  }

  /// Events of attempts that others made, of jobs that wait. Whoever runs such a job later announces them again.
  func announce(_ events: [[UInt8]]) { loose.put(contentsOf: events.compactMap { post.cost(announcing: $0) }) }

  /// Runs the stages until cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.stage(self.incoming) { await self.writeDown($0) } }
      group.addTask { await self.stage(self.parking) { await self.park($0) } }
      group.addTask { await self.stage(self.priced) { await self.announceCosts($0) } }
      group.addTask { await self.stage(self.announced) { await self.announceResults($0) } }
      group.addTask { await self.stage(self.loose) { _ = await self.post.deliver($0) } }
    }
  }

  private func stage<Item: Sendable>(
    _ mailbox: Mailbox<Item>, _ work: @Sendable ([Item]) async -> Void
  ) async {
    while !Task.isCancelled {
      let batch = await mailbox.take()
      if batch.isEmpty { return }
      await work(batch)
    }
  }

  private func writeDown(_ verdicts: [Verdict]) async {
    // Runs are counted when they are settled: some turn out to be somebody else's.
    registry.count(verdicts.filter { !$0.isEnd })
    for verdict in verdicts { log(verdict) }
    await noteWaiting(verdicts)
    parking.put(contentsOf: verdicts.compactMap(\.parking))
    guard let holders = await holders(among: verdicts) else { return }
    let batch = await withoutVainLetters(
      verdicts.filter { $0.parking == nil }.map { writer.acts(for: $0, holders: holders) })
    let copies = batch.compactMap(\.first)
    // An end without a letter does not wait for the copies of others; one with a letter waits for its letter.
    async let areCopied = post.deliver(copies)
    let quick = await finish(batch.filter { $0.first == nil })
    priced.put(contentsOf: quick)
    let areDelivered = await areCopied
    guard copies.isEmpty || areDelivered else { return }
    for acts in batch where acts.first != nil {
      await failpoints.pass(acts.finish == nil ? .afterCopy : .afterLetter)
    }
    priced.put(contentsOf: await finish(batch.filter { $0.first != nil }))
  }

  /// A job whose providers rest, or that is not yet due, stands in no line of admission: for the eyes of operators, and of
  /// jobs that wait for it.
  private func noteWaiting(_ verdicts: [Verdict]) async {
    let now = writer.now()
    let waiting = verdicts.compactMap { $0.resting(at: now) }
    guard !waiting.isEmpty else { return }
    do {
      try await desk.rest(waiting)
    } catch {
      logger.debug("jobs that come back by themselves are not shown", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// The originals of parked copies are acked; what could not be parked comes back by itself.
  private func park(_ waiting: [(Arrival, ParkingPlace)]) async {
    guard let parked = await parker.park(waiting) else { return }
    var acts: [Acts] = []
    for ((arrival, _), isParked) in zip(waiting, parked) {
      if isParked {
        acts.append(Acts(arrival.delivery))
      } else {
        incoming.put(.handBack(arrival, after: .seconds(1), .concurrency))
      }
    }
    announced.put(contentsOf: acts)
  }

  /// A run that was taken over leaves no letter: its job lives, or has ended otherwise. Asked before the letter goes out,
  /// because letters cannot be taken back.
  private func withoutVainLetters(_ batch: [Acts]) async -> [Acts] {
    let leases = batch.compactMap { $0.first == nil ? nil : $0.end?.run.lease }
    guard !leases.isEmpty else { return batch }
    let replies = await patience.ask("settling waits for Redis") { () async throws(AdmissionError) in
      try await self.desk.renew(leases)
    }
    guard let replies else { return [] }
    let lost = Set(zip(leases, replies).filter { $1 == .lost }.map(\.0.leaseID))
    return batch.map { acts in
      acts.end.map { lost.contains($0.run.lease.leaseID) } ?? false ? acts.withoutLetter : acts
    }
  }

  /// Writes the ends down and answers what is left to do.
  private func finish(_ batch: [Acts]) async -> [Acts] {
    let ends = batch.compactMap(\.finish)
    guard !ends.isEmpty else { return batch }
    remember(batch.compactMap(\.end))
    guard
      let replies = await patience.ask(
        "settling waits for Redis",
        { () async throws(AdmissionError) in try await self.desk.finish(ends) })
    else {
      return []
    }
    await failpoints.pass(.afterFinish)
    var settled: [Acts] = []
    settled.reserveCapacity(batch.count)
    var next = replies.startIndex
    for acts in batch {
      guard let finish = acts.finish else {
        settled.append(acts)
        continue
      }
      // Without its job: a message that was buried. Who was faster under its id changes nothing about the letter.
      if let acts = finish.job.map({ follow(acts, $0, replies[next]) }) ?? acts { settled.append(acts) }
      next += 1
    }
    released.put(
      contentsOf: zip(ends, replies).compactMap { end, reply in
        end.leaseID.map { lease in
          if case .finished(_, let next) = reply { (lease, next) } else { (lease, nil) }
        }
      })
    return settled
  }

  private func remember(_ ends: [RunEnd]) {
    let events = ends.flatMap { end in
      end.events.compactMap { event in
        end.run.spent(event).map { (event.id, (end.run.job.userID, event.chargePeriod, $0)) }
      }
    }
    guard !events.isEmpty else { return }
    unconfirmed.withLock { known in
      for (id, (user, month, spent)) in events { known[id] = (user: user, month: month, spent: spent) }
    }
  }

  private func forget(_ ends: [RunEnd]) {
    guard ends.contains(where: { $0.run.plan.limits.isMetered }) else { return }
    unconfirmed.withLock { known in
      for event in ends.flatMap(\.events) { known[event.id] = nil }
    }
  }

  /// What a finish's answer changes about the acts; nil when the delivery takes another way.
  private func follow(_ acts: Acts, _ job: Job, _ reply: FinishReply) -> Acts? {
    switch reply {
    case .finished: return acts
    case .superseded(let declared):
      // The job is another worker's now. What was really spent is said as a correction; the rest is not ours to say.
      let booked = declared.compactMap { CostEvent.reading($0) }
      let corrections = acts.end.map { end in booked.compactMap { meter().correction(of: $0, by: end) } } ?? []
      logTakenOver(job, corrections.count)
      return acts.saying(only: corrections.map { post.cost($0) })
    case .supersededByAnotherRun:
      // Redis forgot this run, so nobody else can have booked its attempts.
      logTakenOver(job, acts.costs.count)
      return acts.saying(only: acts.costs)
    case .known(let run):
      return writer.known(arrival(of: job, by: acts.delivery), run)
    case .running(let lease):
      incoming.put(.handBack(arrival(of: job, by: acts.delivery), after: lease, .runningElsewhere))
      return nil
    case .conflict:
      incoming.put(.bury(acts.delivery, .idConflict(job)))
      return nil
    }
  }

  private func arrival(of job: Job, by delivery: Delivery) -> Arrival {
    Arrival(delivery: delivery, job: job, lane: delivery.lane, firstSeen: delivery.firstSeen ?? writer.now())
  }

  private func logTakenOver(_ job: Job, _ events: Int) {
    logger.warning(
      "run was taken over before it ended here",
      metadata: [LogKey.job: "\(job.id)", LogKey.count: "\(events)"])
  }

  private func announceCosts(_ batch: [Acts]) async {
    guard await post.deliver(batch.flatMap(\.costs)) else { return }
    forget(batch.compactMap(\.end))
    await failpoints.pass(.afterCosts)
    announced.put(contentsOf: batch)
  }

  private func announceResults(_ batch: [Acts]) async {
    guard await post.deliver(batch.flatMap(\.results)) else { return }
    await failpoints.pass(.afterResults)
    await intake.ack(batch.map(\.delivery))
    await failpoints.pass(.afterAck)
    registry.count(batch.compactMap { acts in acts.end.map { .ended($0, acts.delivery) } })
    for acts in batch { if let end = acts.end { log(end) } }
    flow.finished(batch.count { $0.finish != nil })
    flow.pulse.ended(batch.compactMap(\.end?.run))
    count.withLock { $0 -= batch.count }
    let forgotten = batch.compactMap(\.forget)
    guard !forgotten.isEmpty else { return }
    _ = await patience.ask("settling waits for Redis") { () async throws(AdmissionError) in
      try await self.desk.forgetCosts(of: forgotten)
    }
  }
}

extension Verdict {
  fileprivate var parking: (Arrival, ParkingPlace)? {
    if case .park(let arrival, let place) = self { (arrival, place) } else { nil }
  }

  fileprivate func resting(at now: Timestamp) -> RestingJob? {
    func job(_ arrival: Arrival, _ until: Timestamp, _ reason: WaitReason, _ passedOver: [RouteSkip]) -> RestingJob {
      RestingJob(
        job: arrival.job, lane: arrival.lane ?? .low, until: until, reason: reason, passedOver: passedOver,
        labels: JobLabels(of: arrival.job, tier: nil, queuedAt: arrival.firstSeen), replays: arrival.delivery.replays)
    }
    switch self {
    case .rest(let arrival, let pause, let passedOver):
      let until = Timestamp(milliseconds: now.milliseconds + pause.milliseconds)
      return job(arrival, until, .providerResting, passedOver)
    // However many trips it takes until then.
    case .handBack(let arrival, _, .notBefore): return job(arrival, arrival.job.notBefore ?? now, .notBefore, [])
    default: return nil
    }
  }
}
