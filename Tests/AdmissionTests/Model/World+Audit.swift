import Admission
import Contracts
import Redis

// Is Redis as the model has it, and does it keep its promises?

extension World {
  /// What hard caps promise, reckoned without Redis: what the ledger has, what it has yet to book, and what runs.
  /// - Parameter run: what is counted as `worst` and not as it runs.
  func checkSpending(
    of user: User, in month: String, reserving worst: Spending, beside run: HeldLease? = nil
  ) throws {
    var sum = ledger[user.name]?[month]?.figures ?? [0, 0, 0, 0, 0]
    for event in unbooked[user.name] ?? [] where event.month == month {
      for index in 0..<4 { sum[index] += event.spent.figures[index] }
    }
    for index in 0..<4 { sum[index] += worst.figures[index] }
    for lease in workers.flatMap(runs) where lease.job.userID == user.name && lease.month == month {
      guard lease.leaseID != run?.leaseID, !forgotten.contains(lease.leaseID), let worst = lease.worst,
        !announced.contains("\(lease.job.id)/\(lease.run)/\(lease.attempt)")
      else { continue }
      for index in 0..<4 { sum[index] += worst.figures[index] }
    }
    for index in 0..<4 {
      guard let cap = user.limits.caps[index], worst.figures[index] > 0 else { continue }
      try require(sum[index] <= cap, "\(user.name) could spend \(sum[index]) of \(cap) (figure \(index)) in \(month)")
    }
  }

  func runs(of worker: Worker) -> [HeldLease] {
    worker.strays + worker.deliveries.compactMap { if case .running(let lease) = $0.stage { lease } else { nil } }
  }

  mutating func audit() async throws {
    count("audits")
    for user in users { try await audit(user.name) }
    try await auditBays()
    try await auditWaits()
    for lane in Lane.allCases { try await auditRooms(lane) }
  }

  private func hash(_ key: String) async throws -> [String: String] {
    let values = try await bench.redis.command(RedisCommand("HGETALL").arg(key)).array ?? []
    return Dictionary(
      uniqueKeysWithValues: stride(from: 0, to: values.count, by: 2).map {
        (values[$0].string ?? "?", values[$0 + 1].string ?? "?")
      })
  }

  private func scores(_ key: String) async throws -> [String: Int64] {
    let values =
      try await bench.redis.command(RedisCommand("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES")).array ?? []
    return Dictionary(
      uniqueKeysWithValues: stride(from: 0, to: values.count, by: 2).map {
        (values[$0].string ?? "?", values[$0 + 1].int ?? -1)
      })
  }

  private func audit(_ user: String) async throws {
    let name = Identifier.base64url(user)
    let known = model.users[user] ?? .init()
    let leases = try await scores(bench.keys.leases(name)).filter { $0.value > model.now }
    try require(leases == known.leases.filter { $0.value > model.now }, "leases of \(user): \(leases)")
    let open = try await hash(bench.keys.open(name))
    let expected = known.open.mapValues {
      "\($0.month) \($0.figures.map(String.init).joined(separator: " ")) \($0.isSettled ? 1 : 0)"
    }
    try require(open == expected, "open of \(user): \(open), expected \(expected)")
    let money = try await hash(bench.keys.money(name))
    for (field, value) in money where field.hasSuffix(":open") {
      let sum = model.openSum(user, String(field.prefix(7)))
      try require(value == Spending(figures: sum).text, "\(field) of \(user) is \(value), its entries are \(sum)")
    }
    for (month, base) in known.base where base.row > 0 {
      try require(money["\(month):base"] == Spending(figures: base.figures).text, "base of \(user) in \(month)")
    }
    let rooms = try await hash(bench.keys.user(name))["rooms"] ?? ""
    let ranks = Lane.allCases.filter { model.room($0, user) != nil }.map { "\($0.rank)" }.joined()
    try require(rooms == ranks, "\(user) has rooms \(rooms), expected \(ranks)")
    let now = Timestamp(milliseconds: model.now)
    let waiting = try await bench.desk.presence(of: user, at: now).waiting
    let waits = model.jobs.values.filter { $0.state == .waiting && $0.user == user }
    let counted = Dictionary(grouping: waits) { $0.lane ?? .low }.mapValues(\.count)
    try require(waiting == counted, "\(user) waits \(waiting), expected \(counted)")
  }

  private func auditBays() async throws {
    let stored = try await hash(bench.keys.bays)
    for (number, bay) in model.bays {
      let owner = bay.owner.map { "\($0.lane.rawValue):\(Identifier.base64url($0.user))" } ?? "-"
      try require(
        stored["\(number)"] == "\(bay.generation) \(owner)", "bay \(number): \(stored["\(number)"] ?? "none")")
    }
    let free = try await bench.redis.command(RedisCommand("SMEMBERS").arg(bench.keys.freeBays)).array ?? []
    try require(Set(free.compactMap { $0.int.map { Int($0) } }) == model.free, "free bays: \(free)")
  }

  private func auditWaits() async throws {
    let stored = try await hash(bench.keys.waits).compactMapValues { Int($0) }.filter { $0.value != 0 }
    var expected: [String: Int] = [:]
    for job in model.jobs.values where job.state == .waiting {
      expected["\(job.lane?.rawValue ?? "?"):\(job.why?.rawValue ?? "?")", default: 0] += 1
    }
    try require(stored == expected, "waits: \(stored), expected \(expected)")
  }

  /// A room never leaves its lane's index, and nothing keeps one with a message, an open gate and a free slot from
  /// being looked at soon.
  private func auditRooms(_ lane: Lane) async throws {
    let due = try await scores(bench.keys.due(lane))
    for (key, room) in model.rooms where key.lane == lane {
      let name = Identifier.base64url(key.user)
      let stored = try await hash(bench.keys.room(lane, name))
      try require(
        stored["bay"] == "\(room.bay)" && stored["gen"] == "\(room.generation)"
          && stored["open"] == room.opener?.worker ?? "1", "the room of \(key.user) in \(lane): \(stored)")
      let deck = room.deck.flatMap { $0.until > model.now ? $0.lease : nil }
      let storedDeck = Int64(stored["deckuntil"] ?? "0").map { $0 > model.now } == true ? stored["deck"] : nil
      try require(
        storedDeck == deck, "the deck of \(key.user) in \(lane): \(storedDeck ?? "-"), expected \(deck ?? "-")")
      guard let instant = due[name] else { throw Mismatch("\(key.user) is not in the index of \(lane)") }
      try require(instant <= model.now + 60_300, "\(key.user) in \(lane) is looked at in \(instant - model.now) ms")
      let gate = Int64(stored["gate"] ?? "0") ?? 0
      try require(gate <= model.now + 60_300, "the gate of \(key.user) in \(lane) opens in \(gate - model.now) ms")
      let active = model.users[key.user]?.leases.values.count { $0 > model.now } ?? 0
      let limit = Int(stored["limit"] ?? "1") ?? 1
      if deck == nil, room.opener == nil, gate <= model.now, active < limit {
        try require(
          instant <= model.now + 10_300, "\(key.user) in \(lane) is free, looked at in \(instant - model.now) ms")
      }
    }
  }
}
