import Admission
import Confinement
import Contracts
import Lanes
import Logging
import Observability

// Filling the slots. A wave is as many jobs as there are free slots, asked for in one round trip; while one is under
// way whatever else happens only asks for another.

extension Worker {
  func passWaves() async {
    guard !isPassing else {
      mustPassAgain = true
      return
    }
    isPassing = true
    repeat {
      mustPassAgain = false
      while await passWave() {}
    } while mustPassAgain
    isPassing = false
  }

  func passNudged() async {
    while !Task.isCancelled {
      if await nudges.take().isEmpty { return }
      await passWaves()
    }
  }

  private struct Wave {
    /// Jobs to ask for, those of them first that have a slot already.
    var arrivals: [Arrival] = []
    /// Heads to claim, by lane.
    var wishes: [Lane: Int] = [:]

    var isEmpty: Bool { arrivals.isEmpty && wishes.isEmpty }
    /// Kept for the arrivals; those of the intake need none.
    var slots: Int { arrivals.count { $0.lane != nil } }
  }

  /// False when there is nothing to do for now.
  private func passWave() async -> Bool {
    guard !isDraining, !isHeld else { return false }
    let wave = nextWave()
    guard !wave.isEmpty else { return await probeRedis() }
    do {
      if !wave.wishes.isEmpty { try await claim(wave.wishes) }
      try await pass(wave)
      return true
    } catch {
      busy -= wave.slots
      putInFront(wave.arrivals)
      await waitForRedis(error)
      return true
    }
  }

  /// Slots that turn out not to be needed are free again when it returns.
  private func pass(_ wave: Wave) async throws(AdmissionError) {
    guard !wave.arrivals.isEmpty else { return }
    let asked = ContinuousClock.now
    let passed = try await pipeline.pass(wave.arrivals)
    registry.admitted(after: ContinuousClock.now - asked)
    await redisIsBack()
    busy -= wave.slots - passed.started.count
    giveBackTurns(of: wave.arrivals, except: passed.started)
    // Behind a head there may be the next that can run.
    for arrival in wave.arrivals { if let claim = arrival.claim { slotDesk.heard(of: claim.lane) } }
    flow.pulse.started(passed.started)
    start(passed.started)
    settler.settle(passed.verdicts)
    settler.announce(passed.costs)
    putInFront(passed.again + passed.held)
    postponed += passed.soon
    for (lease, arrival) in passed.decked { deck[lease] = (arrival, .now) }
    if let hold = passed.hold { heldUntil = .now + hold }
    if isDraining { await putBackAll() }
  }

  /// A reserved turn that brought a job that may not start now is still owed to its lane.
  private func giveBackTurns(of wave: [Arrival], except started: [Run]) {
    guard started.count < wave.count else { return }
    let begun = Set(started.map(\.delivery.serial))
    for arrival in wave where !begun.contains(arrival.delivery.serial) {
      if let lane = arrival.lane { slotDesk.giveBack(lane, ofLine: arrival.claim == nil) }
    }
  }

  /// While Redis lost its memory nothing is granted; deliveries wait where they are.
  var isHeld: Bool {
    guard let heldUntil else { return false }
    return ContinuousClock.now < heldUntil
  }

  private func nextWave() -> Wave {
    dropLost()
    var wave = Wave(arrivals: heads + unsorted)
    heads = []
    unsorted = []
    var taken: [Lane: Int] = [:]
    let free = configuration.free(busy: busy, unsettled: settler.unsettled)
    for source in slotDesk.grant(free, lines: lines.mapValues(\.count)) {
      switch source {
      case .line(let lane):
        let next = taken[lane] ?? 0
        guard let line = lines[lane], next < line.count else { continue }
        wave.arrivals.append(line[next])
        taken[lane] = next + 1
        busy += 1
      case .room(let lane): wave.wishes[lane, default: 0] += 1
      }
    }
    for (lane, count) in taken { lines[lane]?.removeFirst(count) }
    return wave
  }

  func putInFront(_ arrivals: [Arrival]) {
    for arrival in arrivals.reversed() {
      let arrival = arrival.unclaimed
      if let lane = arrival.lane { lines[lane, default: []].insert(arrival, at: 0) } else { unsorted.append(arrival) }
    }
  }

  /// Deliveries of a connection that is gone are not ours any more; the broker gives them out again.
  private func dropLost() {
    let generations = intake.generations
    guard generations != seenGenerations else { return }
    seenGenerations = generations
    for lane in Lane.allCases { lines[lane]?.removeAll { !intake.isCurrent($0.delivery) } }
    unsorted.removeAll { !intake.isCurrent($0.delivery) }
    let kept = heads.filter { intake.isCurrent($0.delivery) }
    busy -= heads.count - kept.count
    heads = kept
    postponed.removeAll { !intake.isCurrent($0.delivery) }
    deck = deck.filter { intake.isCurrent($0.value.arrival.delivery) }
  }

  /// Redis does not answer or refuses: takes no further deliveries and tries again, more and more slowly. The deliveries
  /// in hand stay in hand; giving them back would only bring them again.
  private func waitForRedis(_ error: AdmissionError) async {
    if troubles == 0 {
      troubledSince = .now
      logger.error("consuming pauses until Redis answers", metadata: [LogKey.error: "\(error)"])
      await intake.pause()
    }
    troubles += 1
    do { try await Task.sleep(for: min(.milliseconds(50) * (1 << min(troubles, 7)), .seconds(5))) } catch { return }
  }

  private func redisIsBack() async {
    guard troubles > 0, !isDraining else { return }
    troubles = 0
    await intake.resume()
    registry.update { $0.add(to: Metrics.reconnects, "redis") }
    logger.info(
      "consuming goes on", metadata: [LogKey.duration: "\(ContinuousClock.now - troubledSince)"])
  }

  /// With nothing in line no wave would find out that Redis is back. A report is a write, as an admission is.
  private func probeRedis() async -> Bool {
    guard troubles > 0 else { return false }
    do {
      try await desk.report(WorkerReport(worker: configuration.workerID, slots: configuration.slots))
      await redisIsBack()
      return false
    } catch {
      await waitForRedis(error)
      return true
    }
  }

  /// Long waits in front of full slots: others may be free. Each delivery goes back once a visit, which its redelivered
  /// flag remembers. A head that was refused in its run stays: what lies in a bay is not given back.
  func putBackIdle() async {
    guard busy >= configuration.slots else { return }
    let limit = ContinuousClock.now - configuration.longestIdleWait
    var idle: [Delivery] = []
    for lane in Lane.allCases {
      lines[lane]?.removeAll { arrival in
        let goes = arrival.arrivedAt < limit && !arrival.delivery.isRedelivered && arrival.delivery.bay == nil
        if goes { idle.append(arrival.delivery) }
        return goes
      }
    }
    guard !idle.isEmpty else { return }
    logger.debug("idle deliveries go back", metadata: [LogKey.count: "\(idle.count)"])
    flow.pulse.returned(idle)
    await intake.putBack(idle)
  }
}
