import Admission
import Confinement
import Contracts
import Lanes
import Logging

// The waiting rooms from the worker's side: looking who is due, claiming, taking heads from their bays, keeping refused
// heads in hand, and what has to be done once after Redis lost its memory.

extension Worker {
  /// How often a worker looks for users that can run again; sooner when it knows that somebody is due.
  private static let lookInterval: Duration = .milliseconds(50)
  /// How long a refused head stays in hand.
  private static let deckTime: Duration = .seconds(55)

  /// Looks at the rooms until cancelled. A slot that frees anywhere is used within one look at most.
  func watchRooms() async {
    while !Task.isCancelled {
      let pause = min(nextDue ?? Self.lookInterval, Self.lookInterval)
      do { try await Task.sleep(for: max(pause, .milliseconds(1))) } catch { return }
      guard !isDraining, troubles == 0 else { continue }
      putInFront(postponed)
      postponed = []
      await look()
    }
  }

  private func look() async {
    do {
      let looked = try await desk.claim(
        [:], worker: configuration.workerID, number: nextClaim, stamp: pipeline.stamp)
      nextDue = looked.next
      slotDesk.learned(due: servedLanes(looked.due))
      await follow(looked)
      let hasWork = looked.due.values.contains { $0 > 0 } || lines.values.contains { !$0.isEmpty }
      if hasWork, busy < configuration.slots { nudges.put(()) }
    } catch {
      // The next wave meets the same trouble and says so.
      logger.debug("waiting rooms could not be looked at", metadata: [LogKey.error: "\(error)"])
      nextDue = nil
    }
  }

  private func servedLanes(_ due: [Lane: Int]) -> [Lane: Int] {
    due.filter { configuration.lanes.contains($0.key) }
  }

  /// Claims up to so many heads; a slot is kept for each until it is here.
  func claim(_ wishes: [Lane: Int]) async throws(AdmissionError) {
    let claimed = try await desk.claim(
      wishes, worker: configuration.workerID, number: nextClaim, stamp: pipeline.stamp)
    nextClaim += UInt64(wishes.values.reduce(0, +))
    await failpoints.pass(.afterClaim)
    nextDue = claimed.next
    var granted: [Lane: Int] = [:]
    for claim in claimed.claims { granted[claim.lane, default: 0] += 1 }
    slotDesk.claimed(granted, of: wishes, due: servedLanes(claimed.due))
    busy += claimed.claims.count
    var lost: [(claim: Claim, lease: String?)] = []
    for claim in claimed.claims {
      guard let lease = claim.deck else {
        fetches.put(claim)
        continue
      }
      if let (arrival, _) = deck.removeValue(forKey: lease) {
        var head = arrival
        head.claim = claim
        heads.append(head)
      } else {
        lost.append((claim, lease))
      }
    }
    // These went with their connection; the broker has them in their bays again.
    busy -= lost.count
    await giveBack(empty: [], unused: lost)
  }

  /// Takes the heads of claims from their bays, outside the actor, many at a time.
  nonisolated func fetchHeads() async {
    while !Task.isCancelled {
      let claims = await fetches.take()
      if claims.isEmpty { return }
      let results = await intake.heads(of: claims.map { (bay: $0.bay, lane: $0.lane) })
      await failpoints.pass(.afterGet)
      var arrived: [Arrival] = []
      var empty: [Claim] = []
      var unused: [(claim: Claim, lease: String?)] = []
      for (claim, result) in zip(claims, results) {
        switch result {
        case .head(let delivery, let remaining):
          var claim = claim
          claim.remaining = remaining
          switch pipeline.decode(delivery, claim: claim) {
          case .arrival(let arrival): arrived.append(arrival)
          case .verdict(let verdict):
            settler.settle([verdict])
            unused.append((claim, nil))
          }
        case .empty: empty.append(claim)
        case .failed(let reason):
          // The claim runs out in a few seconds; until then nobody tries in vain again.
          logger.debug("a head could not be taken", metadata: [LogKey.bay: "\(claim.bay)", LogKey.reason: "\(reason)"])
        }
      }
      flow.took(arrived.count + unused.count)
      await giveBack(empty: empty, unused: unused)
      await accept(heads: arrived, freeing: claims.count - arrived.count)
    }
  }

  /// Heads of a worker that ends go back into their bays, before anybody is told that they can be taken there.
  func abandon(_ heads: [Arrival]) async {
    busy -= heads.count
    await intake.putBack(heads.map(\.delivery))
    let claims = heads.compactMap { head -> (claim: Claim, lease: String?)? in
      guard var claim = head.claim else { return nil }
      claim.remaining = claim.remaining.map { $0 + 1 }
      return (claim, claim.deck)
    }
    await giveBack(empty: [], unused: claims)
  }

  /// What cannot be said to Redis now says itself when the claims run out.
  nonisolated func giveBack(empty: [Claim], unused: [(claim: Claim, lease: String?)]) async {
    do {
      if !empty.isEmpty {
        _ = try await desk.vacant(empty)
        await failpoints.pass(.afterVacant)
      }
      if !unused.isEmpty { try await desk.leave(unused) }
    } catch {
      logger.debug("claims run out by themselves", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// Refused heads that waited long, or whose worker has no slot for them, wait on the ladder instead.
  func relieveDeck() async {
    let limit = ContinuousClock.now - Self.deckTime
    let isFull = busy >= configuration.slots
    await leaveDeck { isFull || $0 < limit }
  }

  /// All of them, when the worker ends or Redis knows of none of them any more.
  func leaveDeck() async { await leaveDeck { _ in true } }

  private func leaveDeck(where goes: (ContinuousClock.Instant) -> Bool) async {
    let leaving = deck.filter { goes($0.value.since) }
    guard !leaving.isEmpty else { return }
    for lease in leaving.keys { deck[lease] = nil }
    settler.settle(leaving.values.map { .handBack($0.arrival.unclaimed, after: .seconds(1), .concurrency) })
    let claims = leaving.compactMap { lease, head -> (claim: Claim, lease: String?)? in
      guard var claim = head.arrival.claim else { return nil }
      claim.remaining = nil
      return (claim, lease)
    }
    do {
      try await desk.leave(claims)
    } catch {
      logger.debug("heads on deck are forgotten by themselves", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// What has to be done once for each memory of Redis.
  private func follow(_ looked: Claimed) async {
    var isKnown = knownEpoch == nil || knownEpoch == looked.epoch
    if !isKnown { isKnown = await reassert() }
    if isKnown { knownEpoch = looked.epoch }
    if !looked.isSurveyed, !isSurveying {
      isSurveying = true
      surveys.put(looked.epoch)
    }
    if isKnown, !looked.isMoneyReady, !looked.isHeld { await publishMarker(of: looked.epoch) }
  }

  /// Redis lost its memory: what runs here and what was spent here and is not on its way to the ledger is written again.
  /// False when it has to be done again.
  private func reassert() async -> Bool {
    logger.warning("redis lost its memory, leases and open money are written again")
    await renewHeld()
    await leaveDeck()
    do {
      let events = settler.unconfirmedEvents
      if !events.isEmpty { try await desk.assert(events) }
      return true
    } catch {
      logger.error("open money could not be written again", metadata: [LogKey.error: "\(error)"])
      return false
    }
  }

  /// Tells billing how far it must have come before anybody may spend against a hard limit again. One worker does.
  private func publishMarker(of epoch: String) async {
    guard let marker = LedgerMarker(epoch: epoch) else { return }
    do {
      guard try await desk.beginMarker(by: configuration.workerID, length: .seconds(120)) else { return }
    } catch {
      logger.debug("the marker was not published", metadata: [LogKey.error: "\(error)"])
      return
    }
    logger.info("billing is asked to say what was spent")
    _ = await post.deliver([post.marker(marker)])
  }

  /// Looks once a minute for messages in bays that nobody has.
  func sweepBays() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: .seconds(60)) } catch { return }
      await surveyor.sweep()
    }
  }

  private var surveyor: Surveyor {
    Surveyor(
      desk: desk, intake: intake, bays: bays, drain: drainer, pipeline: pipeline, workerID: configuration.workerID,
      logger: logger)
  }

  /// Looks through the bays once for each memory of Redis that does not know whose they are. One worker at a time.
  func surveyBays() async {
    let surveyor = surveyor
    while !Task.isCancelled {
      let epochs = await surveys.take()
      guard let epoch = epochs.last else { return }
      await surveyor.survey(epoch)
      isSurveying = false
    }
  }
}
