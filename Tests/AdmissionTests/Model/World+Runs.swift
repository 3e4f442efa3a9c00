import Admission
import Contracts

// What happens to a job while it runs.

extension World {
  mutating func goOn(_ worker: Int, _ index: Int, _ lease: HeldLease) async throws {
    if random.chance(1, in: 16) {
      try await pause(lease)
      askAgain(worker, index)
    } else if random.chance(1, in: 4) {
      if let further = try await advance(lease) {
        workers[worker].deliveries[index].stage = .running(further)
      } else {
        askAgain(worker, index)
      }
    } else if try await finish(lease) {
      workers[worker].deliveries[index].stage = .over
    } else {
      askAgain(worker, index)
    }
  }

  /// A run without a message: its end counts all the same.
  mutating func goOn(_ worker: Int, stray index: Int) async throws {
    let lease = workers[worker].strays.remove(at: index)
    if random.chance(1, in: 4) {
      if let further = try await advance(lease) { workers[worker].strays.append(further) }
    } else {
      _ = try await finish(lease)
    }
  }

  /// - Returns: the run with its next attempt, nil if that must not be made here.
  private mutating func advance(_ lease: HeldLease) async throws -> HeldLease? {
    let user = user(of: lease.job)
    let hasReached = random.chance(2, in: 3)
    let ended = hasReached ? cost(of: lease) : nil
    var next = lease.worst == nil ? nil : worst(user)
    if random.chance(1, in: 2), let cost = next?.nanoUSD { next?.nanoUSD = cost * 20 }
    let limits = lease.worst == nil ? AdmissionLimits() : user.limits
    var reply = AdvanceReply.lost
    // An answer that was lost is asked for again.
    for _ in 0..<(random.chance(1, in: 8) ? 2 : 1) {
      reply = try await bench.desk.advance(lease, ended: ended, nextIntent: [2], worst: next, limits: limits)
      note(
        "advance \(lease.job.id)/\(lease.run)/\(lease.attempt) ended \(hasReached) next \(next?.text ?? "-")"
          + " -> \(reply)"
      )
      try model.advance(lease, ended: ended, worst: next, limits, reply)
    }
    count("\(reply)")
    if reply != .lost, let ended { announce(lease.job, lease.run, ended) }
    guard reply == .advanced else { return nil }
    if let next { try checkSpending(of: user, in: lease.month, reserving: next, beside: lease) }
    return lease.advanced(intent: lease.intent, worst: next)
  }

  private mutating func pause(_ lease: HeldLease) async throws {
    let ended = random.chance(2, in: 3) ? cost(of: lease) : nil
    var reply = AdvanceReply.lost
    for _ in 0..<(random.chance(1, in: 8) ? 2 : 1) {
      reply = try await bench.desk.pause(lease, ended: ended)
      note("pause \(lease.job.id)/\(lease.run)/\(lease.attempt) ended \(ended != nil) -> \(reply)")
      try model.pause(lease, ended: ended, reply)
    }
    count("pause \(reply)")
    if reply != .lost, let ended { announce(lease.job, lease.run, ended) }
  }

  /// An attempt whose holder is gone goes on at its provider: its lease, nil if it could not be had.
  mutating func takeOver(_ job: Job, _ run: String, _ attempt: Int, as leaseID: String) async throws -> HeldLease? {
    let limit = user(of: job).concurrency
    let reply = try await bench.desk.continueAttempt(job, run: run, attempt: attempt, leaseID: leaseID, limit: limit)
    note("continue \(job.id)/\(run)/\(attempt) as \(leaseID) -> \(reply)")
    try model.continueAttempt(job, run: run, attempt: attempt, leaseID: leaseID, limit: limit, reply)
    count("continue \("\(reply)".prefix { $0 != "(" })")
    guard case .continued(let month, _, _, _) = reply else { return nil }
    let worst = model.users[job.userID]?.open["\(job.id)/\(run)/\(attempt)"].map { Spending(figures: $0.figures) }
    return bench.held(job, lease: leaseID, run: run, attempt: attempt, month: month, worst: worst)
  }

  /// A lease that is no longer ours is not asked for again: the delivery gets another name.
  private mutating func askAgain(_ worker: Int, _ index: Int) {
    let suffix = workers[worker].deliveries[index].leaseID.split(separator: "#").dropFirst().first
    let name = "\(workers[worker].id).\(nextSerial())"
    workers[worker].deliveries[index].leaseID = suffix.map { "\(name)#\($0)" } ?? name
    workers[worker].deliveries[index].stage = .asking(nil)
  }

  private mutating func cost(of lease: HeldLease) -> AttemptCost {
    AttemptCost(attempt: lease.attempt, event: [1], spent: lease.worst.map { spent(of: $0) })
  }

  /// - Returns: whether the end is written.
  private mutating func finish(_ lease: HeldLease) async throws -> Bool {
    let cost = cost(of: lease)
    let isPriced = random.chance(9, in: 10)
    let end = Finish(
      job: lease.job, leaseID: lease.leaseID, run: lease.run, status: .succeeded, result: [1], output: nil,
      attempt: lease.attempt, costs: isPriced ? [cost] : [], month: lease.worst == nil ? nil : lease.month)
    let reply = try await bench.desk.finish([end])[0]
    note("finish \(lease.job.id)/\(lease.run)/\(lease.attempt) by \(lease.leaseID) priced \(isPriced) -> \(reply)")
    try model.finish(end, reply)
    count("finish \("\(reply)".prefix { $0 != "(" })")
    switch reply {
    case .finished:
      if isPriced { announce(lease.job, lease.run, cost) }
      try hasEnded(number(of: lease.job))
      if random.chance(1, in: 20) {
        let again = try await bench.desk.finish([end])[0]
        note("finish again -> \(again)")
        try model.finish(end, again)
      }
      return true
    case .superseded: return false
    case .supersededByAnotherRun:
      if isPriced { announce(lease.job, lease.run, cost) }
      return false
    case .running, .known, .conflict: throw Mismatch("an answer for an end without a lease")
    }
  }

  mutating func renew(_ worker: Int) async throws {
    workers[worker].renewed = model.now
    let leases = runs(of: workers[worker])
    guard !leases.isEmpty else { return }
    let replies = try await bench.desk.renew(leases)
    for (lease, reply) in zip(leases, replies) {
      note("renew \(lease.leaseID) of \(lease.job.id) -> \(reply)")
      count("renew \(reply)")
      try model.renew(lease, reply)
      if reply != .lost { forgotten.remove(lease.leaseID) }
    }
  }
}
