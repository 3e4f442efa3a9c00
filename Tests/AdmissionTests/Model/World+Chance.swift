import Admission
import Contracts
import Redis

// What happens next, by chance.

extension World {
  mutating func live() async throws {
    try await act()
    if random.chance(1, in: 25) { try await audit() }
  }

  private mutating func act() async throws {
    switch Int.random(in: 0..<1000, using: &random) {
    case ..<130: try publishJob()
    case ..<282: deliver()
    case ..<290: try await cancelAny()
    case ..<680: try await stepAny()
    case ..<770: try await claimAny()
    case ..<880: try await getAny()
    case ..<940: try await pass(anyTime())
    case ..<955: try await book(users.randomElement(using: &random)?.name ?? "ana", all: false)
    case ..<970: duplicate()
    case ..<974: crash()
    case ..<978: try await disconnect()
    case ..<982: freeze()
    case ..<988: try await changeLimits()
    case ..<990: try await changePolicy()
    case ..<991: try await loseMemory()
    case ..<994: try await survey()
    case ..<997: try await catchUp()
    default: deliver()
    }
  }

  mutating func publishJob() throws {
    let number = jobs.count
    guard let user = users.randomElement(using: &random) else { return }
    let task = random.chance(1, in: 10) ? "image" : "echo"
    let payload = task == "image" ? #"{"prompt":"a toll booth"}"# : "{}"
    jobs.append(try bench.job("job-\(number)", user: user.name, task: task, payload: payload))
    ends.append(0)
    allowedEnds.append(1)
    let message = Message(job: number, copy: 0)
    lanes[user.lane, default: []].append(message)
    add(message)
    note("publish job-\(number) of \(user.name)")
  }

  /// Mostly one that has not ended; who asks ends what nobody runs, unless it dies before that.
  private mutating func cancelAny() async throws {
    let isKnown = random.chance(7, in: 8)
    let wanted = jobs.indices.suffix(200).filter { number in
      guard let job = model.jobs[jobs[number].id] else { return !isKnown }
      return isKnown == (job.state != .done || job.isBlocked)
    }
    guard let number = wanted.randomElement(using: &random) else { return }
    let reply = try await bench.desk.cancel(jobs[number].id, note: "by the model")
    note("cancel \(jobs[number].id) -> \(reply)")
    count("cancel \("\(reply)".prefix { $0 != "(" })")
    try model.cancel(jobs[number].id, reply)
    guard case .idle(let idle) = reply, random.chance(3, in: 4) else { return }
    if model.jobs[idle.id]?.isBlocked == true { allowedEnds[number] += 1 }
    let end = Finish(cancelling: idle, run: idle.run ?? "stamp-\(nextSerial())", result: [1])
    let finished = try await bench.desk.finish([end])[0]
    note("end \(idle.id) cancelled -> \(finished)")
    try model.finish(end, finished)
    if case .finished = finished { try hasEnded(number) }
  }

  private mutating func duplicate() {
    guard !jobs.isEmpty else { return }
    let message = Message(job: Int.random(in: max(0, jobs.count - 40)..<jobs.count, using: &random), copy: 0)
    lanes[user(of: jobs[message.job]).lane, default: []].append(message)
    add(message)
    note("publish job-\(message.job) again")
  }

  mutating func deliver() {
    guard let worker = anyWorker(),
      let lane = Lane.allCases.filter({ lanes[$0]?.isEmpty == false })
        .randomElement(using: &random), workers[worker].deliveries.count < 12
    else { return }
    guard let message = lanes[lane]?.removeFirst() else { return }
    workers[worker].deliveries.append(
      Delivery(
        message: message, source: .lane, leaseID: "\(workers[worker].id).\(nextSerial())", stage: .asking(nil)))
  }

  private mutating func stepAny() async throws {
    guard let worker = anyWorker() else { return }
    if !workers[worker].strays.isEmpty, random.chance(1, in: 10) { return try await goOn(worker, stray: 0) }
    guard !workers[worker].deliveries.isEmpty else { return }
    let asking = workers[worker].deliveries.indices.filter {
      if case .asking = workers[worker].deliveries[$0].stage { true } else { false }
    }
    if asking.count > 1, random.chance(1, in: 3) { return try await ask(worker, asking) }
    let index = Int.random(in: workers[worker].deliveries.indices, using: &random)
    // Runs take their time.
    if case .running = workers[worker].deliveries[index].stage, random.chance(1, in: 2) { return }
    try await step(worker, index)
  }

  private mutating func claimAny() async throws {
    guard let worker = anyWorker() else { return }
    try await claim(worker)
  }

  private mutating func getAny() async throws {
    guard let worker = anyWorker(), !workers[worker].claims.isEmpty else { return }
    try await get(worker, Int.random(in: workers[worker].claims.indices, using: &random))
  }

  mutating func anyWorker() -> Int? {
    workers.indices.filter { !workers[$0].isFrozen }.randomElement(using: &random)
  }

  private mutating func anyTime() -> Int64 {
    switch Int.random(in: 0..<200, using: &random) {
    case ..<120: Int64.random(in: 0...5_000, using: &random)
    case ..<175: Int64.random(in: 0...500_000, using: &random)
    case ..<192: Int64.random(in: 0...5_000_000, using: &random)
    case ..<197: Int64.random(in: 0...20_000_000, using: &random)
    case ..<199: Int64.random(in: 0...70_000_000, using: &random)
    default: -Int64.random(in: 0...300_000, using: &random)
    }
  }

  /// Time goes on; who is not frozen renews every nine seconds. What is due on the ladder comes back.
  mutating func pass(_ micros: Int64) async throws {
    var rest = micros
    repeat {
      let part = min(rest, 9_000_000)
      rest -= part
      model.micros += part
      try clock.set(model.micros)
      for worker in workers.indices where !workers[worker].isFrozen && workers[worker].renewed <= model.now - 9_000 {
        try await renew(worker)
      }
    } while rest > 0
    operations += 1
    let now = model.now
    for entry in ladder where entry.at <= now {
      lanes[user(of: jobs[entry.message.job]).lane, default: []].append(entry.message)
    }
    ladder.removeAll { $0.at <= now }
  }

  /// A worker is gone; the broker gives what it held to others, copies in bays to the front.
  private mutating func crash() {
    guard let worker = workers.indices.randomElement(using: &random) else { return }
    note("\(workers[worker].id) crashes")
    count("crashes")
    giveBack(worker)
    workers[worker] = Worker(id: "w\(nextSerial())")
  }

  /// The broker takes back what a worker holds; what runs there runs on.
  private mutating func disconnect() async throws {
    guard let worker = workers.indices.randomElement(using: &random) else { return }
    note("\(workers[worker].id) loses the broker")
    count("disconnections")
    for delivery in workers[worker].deliveries {
      if case .running(let lease) = delivery.stage { workers[worker].strays.append(lease) }
    }
    giveBack(worker)
    workers[worker].deliveries = []
    guard random.chance(1, in: 2) else { return }
    // It is so slow that its leases run out.
    workers[worker].isFrozen = true
    if random.chance(1, in: 2) { try await pass(31_000_000) }
  }

  private mutating func giveBack(_ worker: Int) {
    for delivery in workers[worker].deliveries.reversed() {
      switch delivery.source {
      case .lane: lanes[user(of: jobs[delivery.message.job]).lane, default: []].insert(delivery.message, at: 0)
      case .bay(let bay): bays[bay, default: []].insert(delivery.message, at: 0)
      }
    }
  }

  private mutating func freeze() {
    guard let worker = workers.indices.randomElement(using: &random) else { return }
    workers[worker].isFrozen.toggle()
    note("\(workers[worker].id) is \(workers[worker].isFrozen ? "frozen" : "thawed")")
  }

  private mutating func changeLimits() async throws {
    guard let index = users.indices.randomElement(using: &random) else { return }
    users[index].concurrency = Int.random(in: 1...4, using: &random)
    if random.chance(1, in: 4) { users[index].lane = Lane.allCases.randomElement(using: &random) ?? .standard }
    if let cap = users[index].limits.monthlyCap {
      users[index].limits.monthlyCap = Money(nanoUSD: cap.nanoUSD + Int64.random(in: -500...5_000, using: &random))
    }
    let user = users[index]
    try await bench.desk.store(Entitlement(concurrency: user.concurrency), of: user.name)
    note("\(user.name) has \(user.concurrency) in \(user.lane)")
    model.wake(user.name)
  }

  private mutating func changePolicy() async throws {
    stamp = "policy-\(nextSerial())"
    try await bench.desk.hasten()
    note("the policy changes")
    model.wake(nil)
  }

  /// Redis loses everything, or another server with the same data takes over.
  mutating func loseMemory() async throws {
    guard random.chance(1, in: 2) else { return }
    let wholly = random.chance(1, in: 2)
    count(wholly ? "losses" : "other servers")
    if wholly {
      _ = try await bench.redis.command(RedisCommand("FLUSHALL"))
      model.forget()
      forgotten.formUnion(workers.filter(\.isFrozen).flatMap(runs).map(\.leaseID))
      // Ended jobs are forgotten, too: whatever message of one is still about makes it run again.
      for job in jobs.indices { allowedEnds[job] += 1 }
    } else {
      // A memory may be told from the one before by its time.
      try await pass(1_000)
      _ = try await bench.redis.command(RedisCommand("SET").arg(bench.keys.epoch).arg("another:0"))
      model.changeServer()
    }
    note(wholly ? "Redis loses its memory" : "another server has the memory")
    if random.chance(2, in: 3) { try await pass(30_000_000) }
  }

  func allMessages() -> [Message] {
    lanes.values.flatMap(\.self) + ladder.map(\.message) + bays.values.flatMap(\.self)
      + workers.flatMap { $0.deliveries.map(\.message) }
  }
}
