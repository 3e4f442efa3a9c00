import Admission
import Contracts

// What happens to a job while it runs.

extension World {
  mutating func goOn(_ worker: Int, _ index: Int, _ lease: HeldLease) async throws {
    if random.chance(1, in: 4) {
      try await advance(worker, index, lease)
    } else {
      try await finish(worker, index, lease)
    }
  }

  private mutating func advance(_ worker: Int, _ index: Int, _ lease: HeldLease) async throws {
    let user = user(of: lease.job)
    let hasReached = random.chance(2, in: 3)
    let ended = hasReached ? cost(of: lease) : nil
    let next = lease.worst == nil ? nil : worst(user)
    let limits = lease.worst == nil ? AdmissionLimits() : user.limits
    let reply = try await bench.desk.advance(lease, ended: ended, nextIntent: [2], worst: next, limits: limits)
    note("advance \(lease.job.id)/\(lease.run)/\(lease.attempt) ended \(hasReached) next \(next?.text ?? "-") -> \(reply)")
    try model.advance(lease, ended: ended, worst: next, limits, reply)
    count("\(reply)")
    switch reply {
    case .advanced:
      if let ended { announce(lease.job, lease.run, ended) }
      var further = lease
      further.attempt += 1
      further.worst = next
      workers[worker].deliveries[index].stage = .running(further)
      if let next { try checkSpending(of: user, in: lease.month, reserving: next) }
    case .refused:
      if let ended { announce(lease.job, lease.run, ended) }
      try askAgain(worker, index)
    case .lost: try askAgain(worker, index)
    }
  }

  /// A lease that is no longer ours is not asked for again: the delivery gets another name.
  private mutating func askAgain(_ worker: Int, _ index: Int) throws {
    let suffix = workers[worker].deliveries[index].leaseID.split(separator: "#").dropFirst().first
    let name = "\(workers[worker].id).\(nextSerial())"
    workers[worker].deliveries[index].leaseID = suffix.map { "\(name)#\($0)" } ?? name
    workers[worker].deliveries[index].stage = .asking(nil)
  }

  private mutating func cost(of lease: HeldLease) -> AttemptCost {
    AttemptCost(attempt: lease.attempt, event: [1], spent: lease.worst.map { spent(of: $0) })
  }

  private mutating func finish(_ worker: Int, _ index: Int, _ lease: HeldLease) async throws {
    let cost = cost(of: lease)
    let isPriced = random.chance(9, in: 10)
    let end = Finish(
      job: lease.job, leaseID: lease.leaseID, run: lease.run, status: .succeeded, result: [1], output: nil,
      attempt: lease.attempt, costs: isPriced ? [cost] : [], month: lease.worst == nil ? nil : lease.month)
    let reply = try await bench.desk.finish([end])[0]
    note("finish \(lease.job.id)/\(lease.run)/\(lease.attempt) priced \(isPriced) -> \(reply)")
    try model.finish(end, reply)
    count("finish \("\(reply)".prefix { $0 != "(" })")
    switch reply {
    case .finished:
      if isPriced { announce(lease.job, lease.run, cost) }
      try hasEnded(workers[worker].deliveries[index].message.job)
      workers[worker].deliveries[index].stage = .over
      if random.chance(1, in: 20) {
        let again = try await bench.desk.finish([end])[0]
        note("finish again -> \(again)")
        try model.finish(end, again)
      }
    case .superseded: try askAgain(worker, index)
    case .supersededByAnotherRun:
      if isPriced { announce(lease.job, lease.run, cost) }
      try askAgain(worker, index)
    case .running, .known, .conflict: throw Mismatch("an answer for an end without a lease")
    }
  }

  mutating func renew(_ worker: Int) async throws {
    workers[worker].renewed = model.now
    let leases = workers[worker].deliveries.compactMap { delivery in
      if case .running(let lease) = delivery.stage { lease } else { nil }
    }
    guard !leases.isEmpty else { return }
    let replies = try await bench.desk.renew(leases)
    for (lease, reply) in zip(leases, replies) {
      note("renew \(lease.leaseID) of \(lease.job.id) -> \(reply)")
      count("renew \(reply)")
      try model.renew(lease, reply)
    }
  }
}
