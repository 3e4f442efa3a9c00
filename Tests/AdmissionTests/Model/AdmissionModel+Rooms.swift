import Admission
import Contracts

extension AdmissionModel {
  /// - Parameters:
  ///   - named: the user of a claim, which names it in base64url.
  mutating func claim(
    _ claimed: Claimed, wishes: [Lane: Int], worker: String, stamp: String, named: (String) -> String
  ) throws {
    let grants = lookAtEpoch()
    try require(
      claimed.isSurveyed == isSurveyed && claimed.isMoneyReady == isMoneyReady && claimed.isHeld == (grants > now),
      "flags of the epoch")
    try require(grants <= now || claimed.claims.isEmpty, "nothing is claimed in a hold")
    var counts: [Lane: Int] = [:]
    for claim in claimed.claims {
      let user = named(claim.user)
      let key = RoomKey(lane: claim.lane, user: user)
      counts[claim.lane, default: 0] += 1
      guard let room = rooms[key], room.bay == claim.bay, room.generation == claim.generation else {
        throw Mismatch("\(user) has no bay \(claim.bay) in \(claim.lane)")
      }
      // A head on the deck of another worker, which does not come for it, lets the next one pass.
      let deck = room.deck.flatMap { $0.until > now && $0.lease.hasPrefix(worker + ".") ? $0.lease : nil }
      try require(claim.deck == deck, "on the deck of \(worker): \(deck ?? "nothing")")
      try require(room.opener == nil, "bay \(claim.bay) is not open")
      let active = activeLeases(user)
      try require(active < room.limit || room.stamp != stamp, "\(user) has \(active) of \(room.limit)")
      users[user, default: User()].leases[claim.id] = now + 5_000
    }
    for (lane, count) in counts { try require(count <= wishes[lane] ?? 0, "\(count) claims in \(lane)") }
  }

  mutating func commit(_ copy: ParkedCopy, _ isParked: Bool) throws {
    let key = RoomKey(lane: copy.lane, user: copy.job.userID)
    begun[copy.bay]?[copy.job.id] = nil
    guard let room = rooms[key], room.bay == copy.bay, room.generation == copy.generation else {
      return try require(!isParked, "the bay is somebody else's")
    }
    try require(isParked, "a commit expected")
    rooms[key]?.opener = nil
    rooms[key]?.emptySince = nil
    if let job = jobs[copy.job.id], job.state != .done, copy.copy >= job.copy {
      jobs[copy.job.id]?.copy = copy.copy
      jobs[copy.job.id]?.bay = copy.bay
      jobs[copy.job.id]?.generation = copy.generation
    }
  }

  mutating func leave(_ claim: Claim, of user: String, lease: String?, followsTier: Bool = false) {
    let key = RoomKey(lane: claim.lane, user: user)
    users[user]?.leases[claim.id] = nil
    guard let room = rooms[key], room.bay == claim.bay, room.generation == claim.generation else { return }
    if let lease, room.deck?.lease == lease { rooms[key]?.deck = nil }
    if claim.remaining != nil { rooms[key]?.emptySince = nil }
    if followsTier { rooms[key]?.stamp = "" }
  }

  /// - Parameter messages: that the broker really has in the bay.
  mutating func vacant(_ claim: Claim, of user: String, _ isFreed: Bool, messages: Int) throws {
    let key = RoomKey(lane: claim.lane, user: user)
    users[user]?.leases[claim.id] = nil
    guard let room = rooms[key], room.bay == claim.bay, room.generation == claim.generation else {
      return try require(!isFreed, "the bay is somebody else's")
    }
    _ = activeLeases(user)
    let isOut =
      begun[room.bay]?.values.contains { $0 > now } == true || (room.deck?.until ?? 0) > now
      || users[user]?.leases.keys.contains { $0.hasSuffix("#\(room.bay)") } == true
    guard isFreed else {
      let since = isOut ? nil : room.emptySince ?? now
      rooms[key]?.emptySince = since
      return
    }
    try require(!isOut, "bay \(room.bay) is in use")
    try require(room.emptySince.map { now - $0 >= 10_000 } ?? false, "bay \(room.bay) was not found empty before")
    try require(messages == 0, "bay \(room.bay) has \(messages) messages")
    giveBack(key, room)
    free.insert(room.bay)
  }

  /// A bay that its worker never opened may be given back by any claim.
  mutating func giveBackUnopened(_ key: RoomKey) throws {
    guard let room = rooms[key], let opener = room.opener, opener.until <= now else {
      throw Mismatch("the bay of \(key.user) in \(key.lane) is in use")
    }
    giveBack(key, room)
    free.insert(room.bay)
  }

  mutating func refuseBay(_ bay: Int, _ generation: Int64, _ key: RoomKey) {
    guard let room = rooms[key], room.bay == bay, room.generation == generation, room.opener != nil else { return }
    giveBack(key, room)
  }

  private mutating func giveBack(_ key: RoomKey, _ room: Room) {
    bays[room.bay] = Bay(generation: room.generation + 1, owner: nil)
    begun[room.bay] = nil
    rooms[key] = nil
  }

  mutating func adopt(_ bay: Int, _ key: RoomKey, _ reply: AdoptReply) throws {
    if bays[bay]?.owner != nil { return try require(reply == .owned, "owned expected") }
    if rooms[key] != nil { return try require(reply == .taken, "taken expected") }
    try require(reply == .adopted, "adoption expected")
    let generation = (bays[bay]?.generation ?? 0) + 1
    bays[bay] = Bay(generation: generation, owner: key)
    free.remove(bay)
    rooms[key] = Room(bay: bay, generation: generation, opener: nil, limit: 1, stamp: "")
  }

  mutating func offer(_ bay: Int) {
    if bays[bay]?.owner == nil { free.insert(bay) }
  }

  /// Limits changed: nothing is known of how many may be claimed.
  mutating func wake(_ user: String?) {
    for key in rooms.keys where user == nil || key.user == user { rooms[key]?.stamp = "" }
  }
}
