import AMQP
import Admission
import Contracts
import Lanes
import Logging
import Synchronization

/// Puts waiting jobs into their bays: a bay that was leased just now is declared and looked into first, then the copies
/// are published and confirmed, then Redis is told that the copy is the job. One batch at a time.
struct Parker: Sendable {
  let desk: AdmissionDesk
  let post: PostOffice
  let intake: LaneIntake
  let bays: BayKeeper
  let drain: BayDrain
  let failpoints: Failpoints
  let logger: Logger
  private let opened = OpenBays()

  init(
    desk: AdmissionDesk, post: PostOffice, intake: LaneIntake, bays: BayKeeper, drain: BayDrain,
    failpoints: Failpoints, logger: Logger
  ) {
    self.desk = desk
    self.post = post
    self.intake = intake
    self.bays = bays
    self.drain = drain
    self.failpoints = failpoints
    self.logger = logger
  }

  /// Whether each job lies in its bay now; nil when the task was cancelled. One that does not still is what it was.
  func park(_ waiting: [(Arrival, ParkingPlace)]) async -> [Bool]? {
    var parked = [Bool](repeating: false, count: waiting.count)
    var usable: [Int] = []
    for (index, (arrival, place)) in waiting.enumerated() where await open(place, of: arrival.job) {
      usable.append(index)
    }
    let copies = usable.map { index -> Dispatch in
      let (arrival, place) = waiting[index]
      return post.park(
        arrival.delivery, bay: place.bay, copy: place.copy, firstSeen: arrival.firstSeen, lane: place.lane,
        followsTier: place.isOwnLane)
    }
    guard !copies.isEmpty else { return parked }
    guard let arrived = await post.deliverWherePossible(copies) else { return nil }
    await failpoints.pass(.afterParkCopy)
    for (index, hasArrived) in zip(usable, arrived) where !hasArrived { opened.remove(waiting[index].1.bay) }
    usable = zip(usable, arrived).filter(\.1).map(\.0)
    let records = usable.map { index -> ParkedCopy in
      let (arrival, place) = waiting[index]
      return ParkedCopy(
        job: arrival.job, lane: place.lane, bay: place.bay, generation: place.generation, copy: place.copy)
    }
    let replies = await Patience(logger: logger).ask("parking waits for Redis") { () async throws(AdmissionError) in
      try await desk.commit(records)
    }
    guard let replies else { return nil }
    await failpoints.pass(.afterCommit)
    for (index, isParked) in zip(usable, replies) { parked[index] = isParked }
    return parked
  }

  /// Whether the bay exists and is this user's alone: messages of somebody in a bay that was just leased go to a lane.
  private func open(_ place: ParkingPlace, of job: Job) async -> Bool {
    if opened.contains(place.bay, place.generation) { return true }
    do {
      _ = try await bays.open(place.bay)
    } catch {
      logger.warning(
        "a parking bay could not be declared", metadata: [LogKey.bay: "\(place.bay)", LogKey.error: "\(error)"])
      if place.isNew { await refuse(place, of: job) }
      return false
    }
    if place.isNew, await !drain.empty(place.bay, into: place.lane) {
      await refuse(place, of: job)
      return false
    }
    opened.insert(place.bay, place.generation)
    return true
  }

  private func refuse(_ place: ParkingPlace, of job: Job) async {
    do {
      try await desk.refuseBay(place.bay, generation: place.generation, lane: place.lane, of: job.userID)
      try await desk.offer(place.bay)
    } catch {
      logger.warning(
        "a parking bay could not be given back", metadata: [LogKey.bay: "\(place.bay)", LogKey.error: "\(error)"])
    }
  }
}

/// The bays that this process has declared, with the lease under which it did.
private final class OpenBays: Sendable {
  private let generations = Mutex<[Int: Int64]>([:])

  func contains(_ bay: Int, _ generation: Int64) -> Bool { generations.withLock { $0[bay] == generation } }

  /// A bay that somebody deleted is declared anew.
  func remove(_ bay: Int) { generations.withLock { $0[bay] = nil } }

  func insert(_ bay: Int, _ generation: Int64) { generations.withLock { $0[bay] = generation } }
}
