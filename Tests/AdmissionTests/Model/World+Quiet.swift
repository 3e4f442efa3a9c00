import Admission
import Contracts
import Redis

// No new work and no faults: everything that waits must come to its end by itself.

extension World {
  /// - Throws: `Mismatch` when a job has not ended after `limit` of the server's time.
  mutating func settleDown(within limit: Int64 = 3 * 3_600_000) async throws {
    for worker in workers.indices { workers[worker].isFrozen = false }
    let end = model.now + limit
    while ends.contains(0) || copies.values.contains(where: { $0 > 0 }) {
      guard model.now < end else {
        let left = jobs.indices.filter { ends[$0] == 0 }.map { jobs[$0].id }
        throw Mismatch("not ended: \(left); left: \(allMessages()); rooms: \(model.rooms)")
      }
      try await tick()
    }
    try await beEmpty()
    try await beForgotten()
  }

  /// What a fleet does in a moment.
  private mutating func tick() async throws {
    var isBusy = false
    let isHeld = (model.grants ?? 0) > model.now
    if !isHeld {
      if !model.isSurveyed { try await survey() }
      if !model.isMoneyReady { try await catchUp() }
    }
    for worker in workers.indices {
      while !workers[worker].strays.isEmpty { try await goOn(worker, stray: 0) }
      try await claim(worker, most: 2)
      while !workers[worker].claims.isEmpty { try await get(worker, 0) }
      for lane in Lane.allCases where workers[worker].deliveries.count < 8 {
        guard lanes[lane]?.isEmpty == false, let message = lanes[lane]?.removeFirst() else { continue }
        workers[worker].deliveries.append(
          Delivery(
            message: message, source: .lane, leaseID: "\(workers[worker].id).\(nextSerial())", stage: .asking(nil)))
      }
      // Later ones first, because a step may take a delivery away.
      for index in workers[worker].deliveries.indices.reversed() {
        switch workers[worker].deliveries[index].stage {
        case .deck: break
        case .asking: isBusy = isBusy || !isHeld
        default: isBusy = true
        }
        try await step(worker, index)
      }
    }
    for user in users { try await book(user.name, all: true) }
    // Nobody has these bays, though something lies in them: after six hours the broker sends it back.
    for bay in bays.keys where model.bays[bay]?.owner == nil && bays[bay]?.isEmpty == false && model.isSurveyed {
      count("messages in nobody's bay", by: bays[bay]?.count ?? 0)
      let only = (bays[bay] ?? []).filter { copies[$0.job] == 1 && ends[$0.job] == 0 }
      count("jobs in nobody's bay", by: only.count)
      try await drain(bay: bay)
    }
    try await pass(isBusy ? 20_000 : 1_000_000)
  }

  /// After forty days of silence nothing of any job or user is remembered but what an admin gave it.
  private mutating func beForgotten() async throws {
    model.micros += 41 * 86_400_000_000
    try clock.set(model.micros)
    let names = try await bench.redis.command(RedisCommand("KEYS").arg(bench.keys.prefix + "*")).array ?? []
    let kept: Set<String> = ["epoch", "money_ready", "surveyed", "bays", "free", "waits", "entitlements"]
    let left = names.compactMap { $0.string.map { String($0.dropFirst(bench.keys.prefix.count)) } }
    try require(kept.isSuperset(of: left), "after forty days: \(left.sorted())")
  }

  /// Nothing is left: no lease, no reservation, no waiting job, no room; and what Redis says was spent is the ledger's.
  private mutating func beEmpty() async throws {
    for user in users { try await book(user.name, all: true) }
    try await pass(31_000_000)
    for _ in 0..<8 where !model.rooms.isEmpty {
      for worker in workers.indices {
        try await claim(worker, most: 8)
        while !workers[worker].claims.isEmpty { try await get(worker, 0) }
      }
      try await pass(11_000_000)
    }
    try require(model.rooms.isEmpty, "rooms are left: \(model.rooms)")
    try await audit()
    for user in users {
      let held = model.activeLeases(user.name)
      try require(held == 0, "\(user.name) holds \(held) leases")
      let settled = model.users[user.name]?.open.filter { $0.value.isSettled } ?? [:]
      try require(settled.isEmpty, "\(user.name) has open: \(settled)")
    }
    for lane in Lane.allCases {
      let due = try await bench.redis.command(RedisCommand("ZCARD").arg(bench.keys.due(lane))).int
      try require(due == 0, "rooms in the index of \(lane)")
    }
  }
}
