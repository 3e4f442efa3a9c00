import Admission
import Contracts

extension AdmissionModel {
  mutating func renew(_ lease: HeldLease, _ reply: RenewReply) throws {
    _ = lookAtEpoch()
    let (id, user) = (lease.job.id, lease.job.userID)
    let known = jobs[id]
    if let known, known.run != nil, known.state != .running || known.lease != lease.leaseID {
      return try require(reply == .lost, "lost expected")
    }
    let isRestored = known?.run == nil
    try require(reply == (isRestored ? .restored : .renewed), "\(isRestored ? "restored" : "renewed") expected")
    if isRestored {
      var job = known ?? Job(state: .running, user: user, digest: lease.job.digest)
      job.state = .running
      (job.run, job.attempt, job.lease, job.month) = (lease.run, lease.attempt, lease.leaseID, lease.month)
      (job.lane, job.why) = (nil, nil)
      jobs[id] = job
    }
    users[user, default: User()].leases[lease.leaseID] = now + leaseLength
    let event = "\(id)/\(lease.run)/\(lease.attempt)"
    if let worst = lease.worst, isRestored || known?.attempt == lease.attempt, users[user]?.open[event] == nil {
      reserve(user, event, lease.month, worst.figures)
    }
  }

  mutating func advance(
    _ lease: HeldLease, ended: AttemptCost?, worst next: Spending?, _ limits: AdmissionLimits, _ reply: AdvanceReply
  ) throws {
    let (id, user) = (lease.job.id, lease.job.userID)
    let known = jobs[id]
    if let known, known.run != nil, known.state != .running || known.lease != lease.leaseID {
      let expected: AdvanceReply = known.refused == lease.leaseID ? .refused : .lost
      return try require(reply == expected, "\(expected) expected")
    }
    var job = known ?? Job(state: .running, user: user, digest: lease.job.digest)
    if var worst = next?.figures, known?.attempt ?? 0 <= lease.attempt {
      let event = "\(id)/\(lease.run)/\(lease.attempt)"
      if let ended {
        settle(user, event, lease.month, ended.spent?.figures ?? [0, 0, 0, 0, 0])
        worst[4] = 0
      } else {
        worst[4] = users[user]?.open[event]?.figures[4] ?? worst[4]
        users[user]?.open[event] = nil
      }
      let isKnown = grants != nil && isMoneyReady
      guard isKnown, standing(of: worst, limits.caps, user, lease.month) == .fits else {
        users[user]?.leases[lease.leaseID] = nil
        (job.state, job.lease, job.refused, job.isCounted) = (.queued, nil, lease.leaseID, worst[4] == 0)
        (job.run, job.attempt, job.month) = (lease.run, lease.attempt, lease.month)
        jobs[id] = job
        return try require(reply == .refused, "refusal expected")
      }
      reserve(user, "\(id)/\(lease.run)/\(lease.attempt + 1)", lease.month, worst)
    }
    try require(reply == .advanced, "advance expected")
    job.state = .running
    (job.run, job.attempt, job.lease, job.month) = (lease.run, lease.attempt + 1, lease.leaseID, lease.month)
    jobs[id] = job
    users[user, default: User()].leases[lease.leaseID] = now + leaseLength
  }

  mutating func pause(_ lease: HeldLease, ended: AttemptCost?, _ reply: AdvanceReply) throws {
    let (id, user) = (lease.job.id, lease.job.userID)
    let known = jobs[id]
    if let known, known.run != nil, known.state != .running || known.lease != lease.leaseID {
      let expected: AdvanceReply = known.refused == lease.leaseID ? .refused : .lost
      return try require(reply == expected, "\(expected) expected")
    }
    try require(reply == .refused, "a pause expected")
    var job = known ?? Job(state: .queued, user: user, digest: lease.job.digest)
    job.isCounted = true
    if let worst = lease.worst {
      let event = "\(id)/\(lease.run)/\(lease.attempt)"
      if let ended {
        settle(user, event, lease.month, ended.spent?.figures ?? [0, 0, 0, 0, 0])
      } else {
        job.isCounted = (users[user]?.open[event]?.figures ?? worst.figures)[4] == 0
        users[user]?.open[event] = nil
      }
    }
    users[user]?.leases[lease.leaseID] = nil
    (job.state, job.lease, job.refused, job.lane, job.why) = (.queued, nil, lease.leaseID, nil, nil)
    (job.run, job.attempt, job.month) = (lease.run, lease.attempt, lease.month)
    jobs[id] = job
  }

  mutating func continueAttempt(
    _ job: Contracts.Job, run: String, attempt: Int, leaseID: String, limit: Int, _ reply: ContinueReply
  ) throws {
    let grants = lookAtEpoch()
    guard let known = jobs[job.id], known.state == .running, known.run == run, known.attempt == attempt,
      isHeld(known.lease, of: job.userID) == nil
    else { return try require(reply == .lost, "lost expected") }
    if grants > now { return try require(reply == .hold(.milliseconds(grants - now)), "hold expected") }
    let active = activeLeases(job.userID)
    if active >= limit { return try require(reply == .full, "full expected") }
    users[job.userID, default: User()].leases[leaseID] = now + leaseLength
    jobs[job.id]?.lease = leaseID
    guard case .continued(known.month ?? month, active + 1, Timestamp(milliseconds: now), _) = reply else {
      return try require(false, "continued in \(known.month ?? month) with \(active + 1) expected")
    }
  }

  mutating func rest(_ job: Contracts.Job, _ lane: Lane, _ isResting: Bool) throws {
    var known = jobs[job.id] ?? Job(state: .waiting, user: job.userID, digest: job.digest)
    guard known.state != .running, known.state != .done else { return try require(!isResting, "it does not rest") }
    try require(isResting, "a rest expected")
    (known.state, known.lane, known.why) = (.waiting, lane, .providerResting)
    jobs[job.id] = known
  }

  mutating func declareUnknown(
    _ job: Contracts.Job, _ run: String, _ cost: AttemptCost, mayRepeat: Bool, _ isDeclared: Bool
  ) throws {
    guard let known = jobs[job.id], known.state == .running, known.run == run, known.attempt == cost.attempt,
      isHeld(known.lease, of: known.user) == nil
    else { return try require(!isDeclared, "nothing to declare") }
    try require(isDeclared, "a declaration expected")
    if let lease = known.lease { users[known.user]?.leases[lease] = nil }
    jobs[job.id]?.state = .queued
    jobs[job.id]?.lease = nil
    jobs[job.id]?.unknown[cost.attempt] = cost.event
    if mayRepeat { jobs[job.id]?.again = cost.attempt }
    let event = "\(job.id)/\(run)/\(cost.attempt)"
    if let figures = cost.spent?.figures ?? users[known.user]?.open[event]?.figures {
      settle(known.user, event, known.month ?? month, figures)
    }
  }

  mutating func finish(_ end: Finish, _ reply: FinishReply) throws {
    let known = jobs[end.jobID]
    let (id, user) = (end.jobID, end.job?.userID ?? known?.user ?? "")
    let digest = end.job?.digest ?? known?.digest ?? ""
    let wasBlocked = end.leaseID == nil && known?.isBlocked == true && end.status == .cancelled
    var run = end.run
    if let lease = end.leaseID {
      users[user]?.leases[lease] = nil
      if let known, let other = known.run, known.lease != lease {
        if other != end.run {
          settle(end, user, granted: 0)
          return try require(reply == .supersededByAnotherRun, "another run expected")
        }
        let unknown = (1...max(1, end.attempt)).compactMap { known.unknown[$0] }
        return try require(reply == .superseded(declaredUnknown: unknown), "superseded expected")
      }
      if known?.state == .done {
        return try require(reply == .finished(run: run, next: nil), "the same end expected")
      }
      settle(end, user, granted: known?.attempt ?? 0)
    } else if let known {
      if known.user != user || known.digest != digest {
        return try require(reply == .conflict, "conflict expected")
      }
      if known.state == .done, !wasBlocked {
        guard case .known(let done) = reply, done.run == known.run else { throw Mismatch("known expected") }
        return
      }
      if known.state == .running {
        let time = (isHeld(known.lease, of: user) ?? now) - now
        return try require(reply == .running(.milliseconds(time)), "running expected")
      }
      run = wasBlocked ? run : known.run ?? run
    }
    guard case .finished(run, _) = reply else { throw Mismatch("an end expected") }
    var job = known ?? Job(state: .done, user: user, digest: digest)
    job.state = .done
    (job.run, job.attempt, job.lease) = (run, max(end.attempt, job.attempt), end.leaseID ?? "")
    (job.lane, job.why, job.refused) = (nil, nil, nil)
    (job.isCancelled, job.isBlocked) = (false, end.status == .blocked)
    jobs[id] = job
  }

  mutating func cancel(_ id: String, _ reply: CancelReply) throws {
    guard let known = jobs[id] else { return try require(reply == .unknown, "unknown expected") }
    if known.state == .done, !known.isBlocked {
      guard case .ended = reply else { throw Mismatch("ended expected") }
      return
    }
    if known.state != .done { jobs[id]?.isCancelled = true }
    if known.state == .running { return try require(reply == .stopping, "stopping expected") }
    guard case .idle(let idle) = reply else { throw Mismatch("nobody runs it") }
    try require(
      idle.run == (known.isBlocked ? nil : known.run) && idle.digest == known.digest
        && idle.attempt == (known.isBlocked ? 0 : known.attempt), "\(known) expected")
  }

  /// - Parameter granted: attempts of the run, of which its holder may not have heard.
  private mutating func settle(_ end: Finish, _ user: String, granted: Int) {
    guard let month = end.month else { return }
    let run = "\(end.jobID)/\(end.run)"
    for attempt in end.attempt..<max(end.attempt, granted) { users[user]?.open["\(run)/\(attempt + 1)"] = nil }
    for cost in end.costs {
      settle(user, "\(run)/\(cost.attempt)", month, cost.spent?.figures ?? [0, 0, 0, 0, 0])
    }
    if !end.costs.contains(where: { $0.attempt == end.attempt }) { users[user]?.open["\(run)/\(end.attempt)"] = nil }
  }
}
