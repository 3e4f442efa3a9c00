import Contracts

extension RoomsModel {
  struct Look {
    var claims: [Claim] = []
    var due: [Lane: Int] = [:]
    /// Milliseconds.
    var next: Int?
  }

  mutating func claim(_ wishes: [Lane: Int], worker: Int, first number: Int, at micros: Int) -> Look {
    let now = micros / 1000
    var look = Look()
    for lane in Lane.allCases {
      var wish = wishes[lane] ?? 0
      var passes = 0
      while wish > 0, passes < 16 {
        let users = due[lane.rank].filter { $1 <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        var took = false
        for (user, _) in users.prefix(wish + 8) where wish > 0 {
          let id = LeaseID(worker: worker, number: number + look.claims.count, isClaim: true)
          if let claim = take(Key(lane: lane, user: user), id, now) {
            look.claims.append(claim)
            wish -= 1
            took = true
          }
        }
        passes = took ? passes + 1 : 16
      }
      var (isDue, next) = (0, Int.max)
      for instant in due[lane.rank].values {
        if instant <= now { isDue += 1 } else { next = min(next, instant) }
      }
      look.due[lane] = isDue
      if next < .max { look.next = min(look.next ?? .max, max(1, next - now)) }
    }
    return look
  }

  private mutating func take(_ key: Key, _ wished: LeaseID, _ now: Int) -> Claim? {
    let rank = key.lane.rank
    guard var room = rooms[key], let bay = room.bay else {
      due[rank][key.user] = nil
      return nil
    }
    if let opener = room.opener {
      if opener.until <= now { freeBay(key, bay, room.generation) } else { due[rank][key.user] = opener.until }
      return nil
    }
    if room.gate > now {
      due[rank][key.user] = room.gate
      return nil
    }
    var deck: LeaseID?
    if let (lease, until) = room.deck, until > now {
      guard lease.worker == wished.worker else {
        due[rank][key.user] = now
        return nil
      }
      deck = lease
    }
    let count = active(key.user, now)
    if count >= room.limit {
      due[rank][key.user] = max(now + 1, firstExpiry(key.user, now))
      return nil
    }
    var id = wished
    id.bay = bay
    users[key.user].leases[id] = now + Self.claimLength
    let left = room.copies - (deck == nil ? 1 : 0)
    room.copies = max(0, left)
    rooms[key] = room
    var again = now
    if room.isSingle || deck != nil {
      again = now + Self.claimLength
    } else if left <= 0 {
      again = now + Self.secondLook
    } else if count + 1 >= room.limit {
      again = firstExpiry(key.user, now)
    }
    due[rank][key.user] = again
    return Claim(key: key, id: id, bay: bay, generation: room.generation, commits: room.commits, deck: deck)
  }

  /// False where the bay was given back meanwhile.
  mutating func commit(_ job: Int, _ key: Key, bay: Int, generation: Int, copy: Int, at micros: Int) -> Bool {
    begun[bay]?[job] = nil
    guard var room = rooms[key], room.bay == bay, room.generation == generation else { return false }
    if let record = jobs[job], record.state != .done, copy >= record.copy {
      jobs[job]?.copy = copy
      jobs[job]?.place = (bay, generation)
    }
    room.copies += 1
    room.commits += 1
    room.opener = nil
    room.emptied = nil
    rooms[key] = room
    arm(key, micros / 1000)
    return true
  }

  mutating func vacant(_ claim: Claim, at micros: Int) {
    let now = micros / 1000
    let key = claim.key
    users[key.user].leases[claim.id] = nil
    guard var room = rooms[key], room.bay == claim.bay, room.generation == claim.generation else { return }
    room.copies = room.commits - claim.commits
    _ = active(key.user, now)
    let isOut =
      room.copies > 0 || room.hasDeck(at: now) || (begun[claim.bay] ?? [:]).contains { $1 > now }
      || users[key.user].leases.keys.contains { $0.bay == claim.bay }
    if isOut {
      room.emptied = nil
    } else if let emptied = room.emptied {
      if now - emptied >= Self.secondLook {
        freeBay(key, claim.bay, claim.generation)
        armAll(of: key.user, now)
        return
      }
    } else {
      room.emptied = now
    }
    rooms[key] = room
    due[key.lane.rank][key.user] = now + Self.secondLook
    armAll(of: key.user, now)
  }

  mutating func leave(_ claim: Claim, deck: LeaseID?, at micros: Int) {
    users[claim.key.user].leases[claim.id] = nil
    guard var room = rooms[claim.key], room.bay == claim.bay, room.generation == claim.generation else { return }
    if let deck, room.deck?.lease == deck { room.deck = nil }
    if let remaining = claim.remaining {
      room.copies = remaining + room.commits - claim.commits
      room.emptied = nil
    }
    rooms[claim.key] = room
    passOn(claim.key.user, micros / 1000)
  }
}
