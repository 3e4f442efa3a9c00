import Admission
import Contracts

extension AdmissionModel {
  /// Checks an answer of `admit` and takes over what follows from it.
  mutating func admit(_ request: AdmissionRequest, _ reply: AdmissionReply) throws {
    let (id, user) = (request.job.id, request.job.userID)
    var isHead = false
    if let claim = request.claim {
      users[user, default: User()].leases[claim.id] = nil
      let key = RoomKey(lane: request.lane, user: user)
      isHead = rooms[key].map { $0.bay == claim.bay && $0.generation == claim.generation } ?? false
      if isHead {
        rooms[key]?.emptySince = nil
        if rooms[key]?.deck?.lease == request.leaseID { rooms[key]?.deck = nil }
      }
    }
    let grants = lookAtEpoch()
    if let known = jobs[id] {
      if known.user != user || known.digest != request.job.digest {
        return try require(reply == .conflict, "conflict expected")
      }
      if known.state == .done {
        guard request.replays != nil, request.replays == known.run else {
          guard case .finished(let run) = reply else { throw Mismatch("finished expected") }
          return try require(run.run == known.run && run.attempts == known.attempt, "another run had finished")
        }
        jobs[id] = nil
      } else {
        if request.copy < known.copy, isOwned(known.bay, known.generation) {
          return try require(reply == .stale, "stale expected")
        }
        if known.state == .running, let expiry = isHeld(known.lease, of: user) {
          guard known.lease == request.leaseID else {
            return try require(reply == .running(.milliseconds(expiry - now)), "running expected")
          }
          guard case .admitted(known.run, known.attempt, _, _, known.month, _) = reply else {
            throw Mismatch("the same lease expected")
          }
          return
        }
      }
    }
    if grants > now { return try require(reply == .hold(.milliseconds(grants - now)), "hold expected") }
    let job = jobs[id]
    if let job, job.state == .running {
      guard case .orphan(job.run, job.attempt, _, job.month) = reply else { throw Mismatch("orphan expected") }
      return
    }
    let attempt = job?.attempt ?? 0
    if job?.isCancelled == true {
      guard case .cancelled(_, job?.run, attempt, _) = reply else { throw Mismatch("cancelled expected") }
      return
    }
    let isUnknown = attempt > 0 && job?.unknown[attempt] != nil
    let mayRepeat = request.job.taskType.mayRepeatUnknown || job?.again == attempt
    if attempt >= attemptBudget || (isUnknown && !mayRepeat) {
      guard case .exhausted(job?.run, attempt, isUnknown, _) = reply else { throw Mismatch("exhausted expected") }
      return
    }
    if request.limit == 0 {
      guard case .idle(job?.run, attempt, _) = reply else { throw Mismatch("idle expected") }
      return
    }
    try judge(request, reply, isHead: isHead)
  }

  private mutating func judge(_ request: AdmissionRequest, _ reply: AdmissionReply, isHead: Bool) throws {
    let (id, user) = (request.job.id, request.job.userID)
    let job = jobs[id]
    let attempt = job?.attempt ?? 0
    let charged = attempt > 0 ? job?.month ?? month : month
    var (reason, at): (WaitReason?, Int64) = (nil, 0)
    var worst = request.worst?.figures
    if worst != nil {
      if attempt > 0, job?.isCounted ?? true { worst?[4] = 0 }
      switch isMoneyReady ? standing(of: worst ?? [], request.limits.caps, user, charged) : .mustWait(.catchingUp) {
      case .fits: break
      case .mustWait(let why): (reason, at) = (why, now + (why == .catchingUp ? 1000 : 60_000))
      case .blocked(let limit):
        guard case .blocked(limit, job?.run, attempt, _) = reply else { throw Mismatch("blocked by \(limit) expected") }
        return
      }
    }
    let isRated = attempt == 0 && (request.limits.perMinute != nil || request.limits.perSecond != nil)
    if isRated {
      let instant = nextStart(user, request.limits)
      if instant > micros { (reason, at) = (.rate, (instant + 999) / 1000) }
    }
    let active = activeLeases(user)
    let hasRoom = room(request.lane, user) != nil
    if let bay = room(request.lane, user)?.bay, !isHead { begun[bay]?[id] = nil }
    if active >= request.limit {
      (reason, at) = (.concurrency, users[user]?.leases.values.min() ?? 0)
    } else if reason == nil, hasRoom, !isHead, reply.place?.reason == .concurrency {
      (reason, at) = (.concurrency, now)  // behind others, as far as Redis knows
    }
    guard let reason else {
      guard case .admitted(let run, attempt + 1, active + 1, _, charged, _) = reply,
        run == job?.run ?? request.runStamp
      else { throw Mismatch("admission expected, \(active) of \(request.limit) active") }
      return try begin(request, run: run, attempt: attempt + 1, charged, worst, isRated: isRated)
    }
    guard let place = reply.place else { throw Mismatch("wait for \(reason) expected") }
    try require(place.reason == reason && place.active == active, "wait for \(reason) with \(active) expected")
    try require(place.until == .milliseconds(max(0, at - now)), "wait until \(at - now) ms from now expected")
    try wait(request, place, isHead: isHead)
  }

  private mutating func begin(
    _ request: AdmissionRequest, run: String, attempt: Int, _ charged: String, _ worst: [Int64]?, isRated: Bool
  ) throws {
    let (id, user) = (request.job.id, request.job.userID)
    users[user, default: User()].leases[request.leaseID] = now + leaseLength
    var job = jobs[id] ?? Job(state: .running, user: user, digest: request.job.digest)
    job.state = .running
    (job.run, job.attempt, job.lease, job.month, job.isCounted) = (run, attempt, request.leaseID, charged, true)
    (job.lane, job.why) = (nil, nil)
    jobs[id] = job
    if let worst { reserve(user, "\(id)/\(run)/\(attempt)", charged, worst) }
    if isRated { try start(user, request.limits) }
    let key = RoomKey(lane: request.lane, user: user)
    rooms[key]?.limit = request.limit
    rooms[key]?.stamp = request.stamp
  }

  private mutating func wait(_ request: AdmissionRequest, _ place: WaitPlace, isHead: Bool) throws {
    let (id, user) = (request.job.id, request.job.userID)
    let key = RoomKey(lane: request.lane, user: user)
    let worker = String(request.leaseID.prefix { $0 != "." })
    let isDeckHeld = rooms[key]?.deck.map { $0.until > now } ?? false
    var job = jobs[id] ?? Job(state: .waiting, user: user, digest: request.job.digest)
    switch place.kind {
    case .deck:
      try require(isHead && !isDeckHeld, "only a head goes on deck, and only one")
      let until = now + 60_000
      rooms[key]?.deck = (request.leaseID, until)
    case .ladder: try require(!isHead && rooms[key] == nil, "there is a bay")
    case .soon:
      let isOpening = rooms[key]?.opener.map { $0.worker != worker && $0.until > now } ?? false
      try require(isHead ? isDeckHeld : isOpening, isHead ? "the deck is free" : "the bay is open")
    case .bay(let bay, let generation, let copy, let isNew):
      let opening = now + 30_000
      try require(!isHead, "a head does not go back")
      if let room = rooms[key] {
        try require(room.bay == bay && room.generation == generation, "the room has bay \(room.bay)")
        try require(isNew == (room.opener != nil), "the bay is \(isNew ? "" : "not yet ")open")
        if let opener = room.opener {
          try require(opener.worker == worker || opener.until <= now, "declared by \(opener.worker)")
          rooms[key]?.opener = (worker, opening)
        }
      } else {
        try require(isSurveyed && isNew && bays[bay]?.owner == nil, "bay \(bay) is not to be leased")
        try require(generation == (bays[bay]?.generation ?? 0) + 1, "generation \(generation) of bay \(bay)")
        bays[bay] = Bay(generation: generation, owner: key)
        free.remove(bay)
        rooms[key] = Room(
          bay: bay, generation: generation, opener: (worker, opening), limit: request.limit, stamp: request.stamp)
      }
      try require(copy == max(request.copy, job.copy) + 1, "copy \(copy) after \(request.copy) and \(job.copy)")
      begun[bay, default: [:]][id] = now + 60_000
    }
    rooms[key]?.limit = request.limit
    rooms[key]?.stamp = request.stamp
    job.state = .waiting
    (job.lane, job.why) = (request.lane, place.reason)
    jobs[id] = job
  }
}
