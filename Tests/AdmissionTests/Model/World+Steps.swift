import Admission
import Contracts

// What workers do with the messages that they hold, a step at a time.

extension World {
  mutating func step(_ worker: Int, _ index: Int) async throws {
    let delivery = workers[worker].deliveries[index]
    switch delivery.stage {
    case .asking(nil) where random.chance(1, in: 30): try await rest(worker, index)
    case .asking: try await ask(worker, [index])
    case .begun(let copy, let isNew): try await publish(worker, index, copy, isNew: isNew)
    case .published(let copy): try await commit(worker, index, copy)
    case .running(let lease): try await goOn(worker, index, lease)
    case .deck(let claim, let until):
      if until <= model.now || random.chance(1, in: 20) { try await leaveDeck(worker, index, claim) }
    case .over:
      note("\(workers[worker].id) acks \(delivery.message)")
      try give(up: index, of: worker, "its end is written")
    }
  }

  /// All providers of the job rest.
  private mutating func rest(_ worker: Int, _ index: Int) async throws {
    let message = workers[worker].deliveries[index].message
    let job = jobs[message.job]
    let lane = user(of: job).lane
    let until = Timestamp(milliseconds: model.now + 5_000)
    let isResting = try await bench.desk.rest([RestingJob(job: job, lane: lane, until: until)])[0]
    note("rest \(job.id) in \(lane) -> \(isResting)")
    try model.rest(job, lane, isResting)
    count(isResting ? "rests" : "rests of others")
    climb(message, for: 5_000)
    add(message)
    try give(up: index, of: worker, "on the ladder until a provider serves")
  }

  /// The delivery is acknowledged.
  mutating func give(up index: Int, of worker: Int, _ why: String) throws {
    let delivery = workers[worker].deliveries.remove(at: index)
    try drop(delivery.message, why)
  }

  /// Several of a worker in one round trip, as a wave of admissions.
  mutating func ask(_ worker: Int, _ indices: [Int]) async throws {
    var requests: [AdmissionRequest] = []
    for index in indices {
      let delivery = workers[worker].deliveries[index]
      guard case .asking(let claim) = delivery.stage else { continue }
      let job = jobs[delivery.message.job]
      let user = user(of: job)
      let asksOnly = random.chance(1, in: 100) && claim == nil
      requests.append(
        bench.request(
          job, lease: delivery.leaseID, limit: asksOnly ? 0 : user.concurrency, lane: user.lane,
          copy: delivery.message.copy, claim: claim, limits: user.limits, worst: worst(user), stamp: stamp))
    }
    var replies = try await bench.desk.admit(requests)
    for (request, reply) in zip(requests, replies) {
      note(
        "admit \(request.job.id)#\(request.copy) of \(request.job.userID) by \(request.leaseID) in \(request.lane)"
          + " limit \(request.limit) claim \(request.claim?.id ?? "-") -> \(reply)")
      try model.admit(request, reply)
    }
    if random.chance(1, in: 20) {
      // An answer that was lost is asked for again.
      replies = try await bench.desk.admit(requests)
      for (request, reply) in zip(requests, replies) {
        note("admit \(request.job.id)#\(request.copy) again -> \(reply)")
        try model.admit(request, reply)
      }
    }
    // Later places first, because an answer may take a delivery away.
    for (place, index) in indices.enumerated().reversed() {
      try await take(worker, index, requests[place], replies[place])
    }
  }

  private mutating func take(
    _ worker: Int, _ index: Int, _ request: AdmissionRequest, _ reply: AdmissionReply
  ) async throws {
    let message = workers[worker].deliveries[index].message
    let job = request.job
    count("\(reply)".prefix { $0 != "(" }.description)
    switch reply {
    case .admitted(let run, let attempt, _, _, let month, _):
      let lease = bench.held(
        job, lease: request.leaseID, run: run, attempt: attempt, month: month, worst: request.worst)
      workers[worker].deliveries[index].stage = .running(lease)
      if let worst = request.worst { try checkSpending(of: user(of: job), in: month, reserving: worst, beside: lease) }
    case .wait(let place):
      switch place.kind {
      case .deck:
        guard let claim = request.claim else { throw Mismatch("a deck without a claim") }
        workers[worker].deliveries[index].stage = .deck(claim, until: model.now + 60_000)
      case .ladder, .soon:
        climb(message, for: place.kind == .soon ? 1_000 : place.until.milliseconds)
        add(message)
        try give(up: index, of: worker, "on the ladder")
      case .bay(let bay, let generation, let copy, let isNew):
        let parked = ParkedCopy(job: job, lane: request.lane, bay: bay, generation: generation, copy: copy)
        workers[worker].deliveries[index].stage = .begun(parked, isNew: isNew)
      }
    case .stale:
      let isElsewhere = allMessages().contains { $0.job == message.job && $0.copy > message.copy }
      try require(isElsewhere, "\(job.id)#\(message.copy) is stale and no later copy is anywhere")
      try give(up: index, of: worker, "stale")
    case .finished: try give(up: index, of: worker, "finished before")
    case .running(let time):
      if random.chance(1, in: 4) { try await declare(job, tooEarlyBy: time) }
      climb(message, for: time.milliseconds)
      add(message)
      try give(up: index, of: worker, "runs elsewhere")
    case .orphan(let run, let attempt, _, _):
      let holder = model.jobs[job.id]?.lease
      let isGone = !workers.flatMap(runs).contains { $0.leaseID == holder }
      if isGone, random.chance(1, in: 2) {
        if let lease = try await takeOver(job, run, attempt, as: request.leaseID) {
          workers[worker].deliveries[index].stage = .running(lease)
        }
        return
      }
      let estimate = user(of: job).limits.isMetered ? estimate(job, run, attempt) : nil
      try await declare(job, run, AttemptCost(attempt: attempt, event: [UInt8(attempt)], spent: estimate))
    case .blocked: try await end(worker, index, job, .blocked)
    case .cancelled: try await end(worker, index, job, .cancelled)
    case .exhausted: try await end(worker, index, job, .failed)
    case .idle:
      if random.chance(1, in: 2) { try await end(worker, index, job, .cancelled) }
    case .hold: break
    case .conflict: throw Mismatch("no message of another body was sent")
    }
  }

  private mutating func declare(_ job: Job, _ run: String, _ cost: AttemptCost) async throws {
    let mayRepeat = random.chance(1, in: 2)
    let isDeclared = try await bench.desk.declareUnknown(job, run: run, cost, mayRepeat: mayRepeat)
    note("declare \(job.id)/\(run)/\(cost.attempt) unknown -> \(isDeclared)")
    try model.declareUnknown(job, run, cost, mayRepeat: mayRepeat, isDeclared)
    if isDeclared { announce(job, run, cost) }
  }

  /// By somebody who took the attempt for an orphan before its holder renewed.
  private mutating func declare(_ job: Job, tooEarlyBy time: Duration) async throws {
    guard time > .zero, let known = model.jobs[job.id], let run = known.run else { return }
    try await declare(job, run, AttemptCost(attempt: known.attempt, event: [1], spent: nil))
  }

  private func estimate(_ job: Job, _ run: String, _ attempt: Int) -> Spending {
    model.users[job.userID]?.open["\(job.id)/\(run)/\(attempt)"].map { Spending(figures: $0.figures) }
      ?? Spending(nanoUSD: 10, tokens: 5, jobs: attempt == 1 ? 1 : 0)
  }

  /// The event of an ended attempt is published; billing has yet to book it.
  mutating func announce(_ job: Job, _ run: String, _ cost: AttemptCost) {
    guard let spent = cost.spent else { return }
    let id = "\(job.id)/\(run)/\(cost.attempt)"
    announced.insert(id)
    let entry = model.users[job.userID]?.open[id]
    unbooked[job.userID, default: []].append(
      Unbooked(
        id: id, month: entry?.month ?? model.month, spent: entry.map { Spending(figures: $0.figures) } ?? spent))
  }

  /// An end without a lease.
  private mutating func end(_ worker: Int, _ index: Int, _ job: Job, _ status: RunStatus) async throws {
    let end = Finish(
      job: job, leaseID: nil, run: "stamp-\(nextSerial())", status: status, result: [1], output: nil, attempt: 0,
      costs: [])
    let reply = try await bench.desk.finish([end])[0]
    note("end \(job.id) \(status) -> \(reply)")
    try model.finish(end, reply)
    switch reply {
    case .finished: try hasEnded(workers[worker].deliveries[index].message.job)
    case .known: break
    default: return
    }
    workers[worker].deliveries[index].stage = .over
  }

  mutating func hasEnded(_ job: Int) throws {
    ends[job] += 1
    count("ends")
    try require(ends[job] <= allowedEnds[job], "\(jobs[job].id) ended \(ends[job]) times")
  }

  private mutating func publish(_ worker: Int, _ index: Int, _ copy: ParkedCopy, isNew: Bool) async throws {
    let message = workers[worker].deliveries[index].message
    let isFirst = isNew && workers[worker].declared.insert([Int64(copy.bay), copy.generation]).inserted
    if isFirst, bays[copy.bay]?.isEmpty == false {
      note("\(workers[worker].id) finds bay \(copy.bay) not empty")
      try await bench.desk.refuseBay(copy.bay, generation: copy.generation, lane: copy.lane, of: copy.job.userID)
      model.refuseBay(copy.bay, copy.generation, .init(lane: copy.lane, user: copy.job.userID))
      try await drain(bay: copy.bay)
      workers[worker].deliveries[index].stage = .asking(nil)
      count("refused bays")
      return
    }
    note("copy \(copy.copy) of \(copy.job.id) into bay \(copy.bay)")
    let parked = Message(job: message.job, copy: copy.copy)
    bays[copy.bay, default: []].append(parked)
    add(parked)
    workers[worker].deliveries[index].stage = .published(copy)
  }

  private mutating func commit(_ worker: Int, _ index: Int, _ copy: ParkedCopy) async throws {
    let isParked = try await bench.desk.commit([copy])[0]
    note("commit \(copy.job.id)#\(copy.copy) in bay \(copy.bay).\(copy.generation) -> \(isParked)")
    try model.commit(copy, isParked)
    count(isParked ? "parked" : "void commits")
    if isParked {
      try give(up: index, of: worker, "parked")
    } else {
      workers[worker].deliveries[index].stage = .asking(nil)
    }
  }

  /// The head was on deck long enough: it goes to the ladder.
  private mutating func leaveDeck(_ worker: Int, _ index: Int, _ claim: Claim) async throws {
    let delivery = workers[worker].deliveries[index]
    climb(delivery.message, for: 5_000)
    add(delivery.message)
    try await bench.desk.leave([(claim, delivery.leaseID)])
    note("\(delivery.leaseID) leaves the deck")
    model.leave(claim, of: jobs[delivery.message.job].userID, lease: delivery.leaseID)
    try give(up: index, of: worker, "left the deck")
  }
}
