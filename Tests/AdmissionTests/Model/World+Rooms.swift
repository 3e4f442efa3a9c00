import Admission
import Contracts
import Redis

// Claims, heads, and what is done with bays.

extension World {
  mutating func claim(_ worker: Int, most: Int = 3) async throws {
    var wishes: [Lane: Int] = [:]
    for lane in Lane.allCases { wishes[lane] = Int.random(in: 0...most, using: &random) }
    let id = workers[worker].id
    let number = UInt64(serial + 1)
    serial += 4 * most
    let claimed = try await bench.desk.claim(wishes, worker: id, number: number, stamp: stamp)
    let names = Dictionary(uniqueKeysWithValues: users.map { (Identifier.base64url($0.name), $0.name) })
    for claim in claimed.claims {
      note(
        "\(id) claims bay \(claim.bay) of \(names[claim.user] ?? "?") in \(claim.lane) as \(claim.id)"
          + " \(claim.deck ?? "")"
      )
      count("claims")
    }
    try model.claim(claimed, wishes: wishes, worker: id, stamp: stamp) { names[$0] ?? "?" }
    try await learnOfUnopened()
    for claim in claimed.claims {
      guard let deck = claim.deck else {
        workers[worker].claims.append(claim)
        continue
      }
      if let index = workers[worker].deliveries.firstIndex(where: { $0.leaseID == deck }),
        case .deck = workers[worker].deliveries[index].stage
      {
        workers[worker].deliveries[index].stage = .asking(claim)
        count("decks claimed")
      } else {
        try await bench.desk.leave([(claim, deck)])
        note("\(deck) is on no deck")
        model.leave(claim, of: names[claim.user] ?? "?", lease: deck)
      }
    }
  }

  /// Takes the head of a claimed bay, if there is one.
  mutating func get(_ worker: Int, _ index: Int) async throws {
    var claim = workers[worker].claims.remove(at: index)
    let user = users.first { Identifier.base64url($0.name) == claim.user }?.name ?? "?"
    guard bays[claim.bay]?.isEmpty == false, let message = bays[claim.bay]?.removeFirst() else {
      let isFreed = try await bench.desk.vacant([claim])[0]
      note("bay \(claim.bay).\(claim.generation) of \(user) is empty, claim \(claim.id) -> freed \(isFreed)")
      count(isFreed ? "freed bays" : "empty looks")
      try model.vacant(claim, of: user, isFreed, messages: bays[claim.bay]?.count ?? 0)
      if random.chance(1, in: 4) { try await pass(Int64.random(in: 9_000_000...10_000_000, using: &random)) }
      return
    }
    claim.remaining = bays[claim.bay]?.count ?? 0
    let job = jobs[message.job]
    note("head \(job.id)#\(message.copy) of bay \(claim.bay), \(claim.remaining ?? 0) left")
    let lease = "\(workers[worker].id).\(nextSerial())#\(claim.bay)"
    let isHome = job.userID == user && self.user(of: job).lane == claim.lane
    workers[worker].deliveries.append(
      Delivery(
        message: message, source: .bay(claim.bay), leaseID: lease, stage: .asking(isHome ? claim : nil)))
    guard !isHome else { return }
    // Somebody else's, or of a user who moved to another lane.
    count("foreign heads")
    climb(message, for: 1_000)
    add(message)
    let followsTier = job.userID == user
    try await bench.desk.leave([(claim, nil)], followsTier: followsTier)
    model.leave(claim, of: user, lease: nil, followsTier: followsTier)
    try give(up: workers[worker].deliveries.count - 1, of: worker, "moved on")
  }

  /// Which of the bays that were never opened the last claim gave back.
  private mutating func learnOfUnopened() async throws {
    for (key, room) in model.rooms where room.opener.map({ $0.until <= model.now }) ?? false {
      let entry = try await bench.redis.command(RedisCommand("HGET").arg(bench.keys.bays).arg("\(room.bay)")).string
      guard entry?.hasSuffix("-") == true else { continue }
      note("bay \(room.bay) was never opened")
      count("unopened bays")
      try model.giveBackUnopened(key)
    }
  }

  /// After a loss: every bay is looked at before any is leased.
  mutating func survey() async throws {
    let claimed = try await bench.desk.claim([:], worker: "surveyor", number: 0, stamp: stamp)
    try model.claim(claimed, wishes: [:], worker: "surveyor", stamp: stamp) { $0 }
    guard !claimed.isSurveyed else { return }
    for bay in bays.keys.sorted() { try await settle(bay: bay) }
    try await bench.desk.endSurvey(of: claimed.epoch)
    note("surveyed")
    model.isSurveyed = true
  }

  /// A bay without an owner goes to the user of its head, is drained, or is free.
  mutating func settle(bay: Int) async throws {
    guard let head = bays[bay]?.first else {
      try await bench.desk.offer(bay)
      return model.offer(bay)
    }
    let job = jobs[head.job]
    let lane = user(of: job).lane
    let reply = try await bench.desk.adopt(bay, messages: bays[bay]?.count ?? 0, lane: lane, user: job.userID)
    note("adopt bay \(bay) for \(job.userID) in \(lane) -> \(reply)")
    try model.adopt(bay, .init(lane: lane, user: job.userID), reply)
    count("\(reply)")
    if reply == .taken { try await drain(bay: bay) }
  }

  /// What lies in a bay that nobody has goes back to the lanes, and the bay is free.
  mutating func drain(bay: Int) async throws {
    for message in bays[bay] ?? [] { climb(message, for: 1_000) }
    bays[bay] = []
    try await bench.desk.offer(bay)
    model.offer(bay)
  }

  /// Everything that was spent is told, then the marker goes to billing, which books all that was before it.
  mutating func catchUp() async throws {
    let claimed = try await bench.desk.claim([:], worker: "marker", number: 0, stamp: stamp)
    try model.claim(claimed, wishes: [:], worker: "marker", stamp: stamp) { $0 }
    guard !claimed.isMoneyReady, (model.grants ?? .max) <= model.now, let marker = LedgerMarker(epoch: claimed.epoch)
    else { return }
    for (user, events) in unbooked {
      try await bench.desk.assert(events.map { (user, $0.id, $0.month, $0.spent) })
      for event in events { model.assert(user, event.id, event.month, event.spent.figures) }
    }
    for user in users { try await book(user.name, all: true) }
    let isKnown = try await bench.desk.moneyIsKnown(marker)
    try require(isKnown, "another epoch")
    note("the money is known")
    model.isMoneyReady = true
  }

  private mutating func book(
    _ user: String, _ month: String, _ base: AdmissionModel.Base, _ events: [String]
  ) async throws {
    let booked = AdmissionDesk.MonthBase(
      userID: user, period: month, row: base.row, spent: Spending(figures: base.figures), eventIDs: events)
    try await bench.desk.book([booked])
    note("book \(user) \(month) row \(base.row)")
    model.book(booked)
  }

  /// Billing takes some of a user's events into the sums, months one by one.
  mutating func book(_ user: String, all: Bool) async throws {
    var rest: [Unbooked] = []
    var taken: [String: [Unbooked]] = [:]
    for event in unbooked[user] ?? [] {
      if all || random.chance(1, in: 2) { taken[event.month, default: []].append(event) } else { rest.append(event) }
    }
    unbooked[user] = rest
    let months = all ? Set(taken.keys).union((ledger[user] ?? [:]).keys) : Set(taken.keys)
    for month in months.sorted() {
      var base = ledger[user]?[month] ?? AdmissionModel.Base()
      for event in taken[month] ?? [] {
        base.row += 1
        for index in 0..<5 { base.figures[index] += event.spent.figures[index] }
      }
      let before = ledger[user]?[month]
      ledger[user]?[month] = base
      try await book(user, month, base, (taken[month] ?? []).map(\.id))
      // Of two billing processes one may be late.
      if let before, random.chance(1, in: 10) { try await book(user, month, before, []) }
    }
  }
}
