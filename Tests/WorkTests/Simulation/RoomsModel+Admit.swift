import Contracts

extension RoomsModel {
  /// A claim as it travels with a head.
  struct Claim {
    var key: Key
    var id: LeaseID
    var bay: Int
    var generation: Int
    var commits: Int
    /// The head on deck that it is for; nil when one is to be taken from the bay.
    var deck: LeaseID?
    var remaining: Int?
  }

  struct Question {
    var job: Int
    var key: Key
    var user: SimulatedWorld.User
    var lease: LeaseID
    var copy: Int
    var claim: Claim?
  }

  enum Place: Equatable {
    case deck, ladder
    /// A bay that another worker is declaring, or whose deck is taken.
    case soon
    case bay(Int, generation: Int, copy: Int, isNew: Bool)
  }

  enum Answer {
    case admitted
    /// Milliseconds until the expected start.
    case wait(Place, expected: Int)
    case stale
    case running(milliseconds: Int)
    case orphan(attempt: Int)
    case finished
    case exhausted
    case cancelled
  }

  mutating func admit(_ question: Question, at micros: Int) -> Answer {
    let now = micros / 1000
    let (key, user) = (question.key, question.key.user)
    let isHead = redeem(question)
    var job = jobs[question.job] ?? Job()
    let answer = standing(of: question, now)
    if answer != nil || job.attempt >= Self.attemptBudget {
      if question.claim != nil { armAll(of: user, now) }
      return answer ?? .exhausted
    }

    let isRated = job.attempt == 0 && question.user.isRated
    let room = rooms[key] ?? Room()
    var gate: Int?
    if isRated {
      let instant = rateInstant(user, question.user, micros)
      if instant > micros { gate = (instant + 999) / 1000 }
    }
    var isBehind = false
    if active(user, now) >= question.user.limit {
      isBehind = true
      gate = nil
    } else if !isHead, gate == nil, let bay = room.bay {
      isBehind = room.copies > 0 || room.hasDeck(at: now)
      if !isBehind {
        begun[bay]?[question.job] = nil
        isBehind = (begun[bay] ?? [:]).contains { $1 > now }
      }
    }
    if gate != nil || isBehind { return wait(question, job, isHead, gate, isRated, now) }

    if jobs[question.job]?.state == .waiting { waiting -= 1 }
    job.state = .running
    job.attempt += 1
    job.lease = question.lease
    job.since = now
    let sequence = job.sequence
    job.sequence = nil
    jobs[question.job] = job
    users[user].leases[question.lease] = now + Self.leaseLength
    var closed = 0
    if isRated {
      if let emission = question.user.emission { users[user].arrival = max(micros, users[user].arrival) + emission }
      if question.user.perMinute != nil { users[user].starts.append(micros) }
      closed = (rateInstant(user, question.user, micros) + 999) / 1000
    }
    if room.bay != nil { granted(key, question.user, sequence, gate: closed, isRated: isRated, now) }
    return .admitted
  }

  /// The claim counts no more, whatever follows. True for a head of this room's bay.
  private mutating func redeem(_ question: Question) -> Bool {
    guard let claim = question.claim else { return false }
    users[question.key.user].leases[claim.id] = nil
    guard var room = rooms[question.key], room.bay == claim.bay, room.generation == claim.generation else {
      return false
    }
    if let remaining = claim.remaining { room.copies = remaining + room.commits - claim.commits }
    if room.deck?.lease == question.lease { room.deck = nil }
    room.emptied = nil
    rooms[question.key] = room
    return true
  }

  /// What is known of a job that is not simply asking to start.
  private func standing(of question: Question, _ now: Int) -> Answer? {
    guard let job = jobs[question.job] else { return nil }
    if job.state == .done { return .finished }
    if question.copy < job.copy, let place = job.place, let bay = bays[place.bay], bay.isLeased,
      bay.generation == place.generation
    {
      return .stale
    }
    guard job.state == .running, let lease = job.lease else { return job.isCancelled ? .cancelled : nil }
    let expiry = users[question.key.user].leases[lease] ?? 0
    guard expiry > now else { return .orphan(attempt: job.attempt) }
    return lease == question.lease ? .admitted : .running(milliseconds: expiry - now)
  }

  private mutating func rateInstant(_ user: Int, _ tier: SimulatedWorld.User, _ micros: Int) -> Int {
    var instant = micros
    if let emission = tier.emission {
      let arrival = max(micros, min(users[user].arrival, micros + tier.burst * emission))
      instant = max(instant, arrival - (tier.burst - 1) * emission)
    }
    if let perMinute = tier.perMinute {
      users[user].starts.removeAll { $0 <= micros - 60_000_000 }
      let starts = users[user].starts
      if starts.count >= perMinute { instant = max(instant, starts[starts.count - perMinute] + 60_000_000) }
    }
    return instant
  }

  private mutating func granted(
    _ key: Key, _ tier: SimulatedWorld.User, _ sequence: Int?, gate: Int, isRated: Bool, _ now: Int
  ) {
    guard var room = rooms[key] else { return }
    if let last = room.granted, now - last < 60_000 {
      let interval = Double(now - last)
      room.every = room.every > 0 ? room.every * 0.9 + interval * 0.1 : interval
    }
    room.limit = tier.limit
    room.gate = gate
    room.isRated = gate > now
    room.isSingle = isRated
    room.granted = now
    room.head = max(room.head, sequence ?? 0)
    rooms[key] = room
    arm(key, now)
  }

  private mutating func wait(
    _ question: Question, _ record: Job, _ isHead: Bool, _ gate: Int?, _ isRated: Bool, _ now: Int
  ) -> Answer {
    let key = question.key
    var (job, room, place) = (record, rooms[key] ?? Room(), Place.ladder)
    if isHead {
      if !room.hasDeck(at: now) {
        place = .deck
        room.deck = (question.lease, now + 60_000)
      }
    } else if room.bay == nil, bays.count - free.count < (pool + 1) / 2 || room.ladder >= 2,
      let bay = free.min() ?? (bays.count < pool ? bays.count + 1 : nil)
    {
      free.remove(bay)
      room.bay = bay
      room.generation = (bays[bay]?.generation ?? 0) + 1
      bays[bay] = (room.generation, true)
      room.opener = (question.lease.worker, now + Self.opening)
      (room.copies, room.ladder, room.emptied, room.deck) = (0, 0, nil, nil)
      (room.sequence, room.head) = (0, 0)
      users[key.user].rooms.insert(key.lane)
    }
    let mayOpen = room.opener.map { $0.worker == question.lease.worker || $0.until <= now }
    if !isHead, let bay = room.bay, mayOpen ?? true {
      if mayOpen != nil { room.opener = (question.lease.worker, now + Self.opening) }
      let copy = max(question.copy, job.copy) + 1
      place = .bay(bay, generation: room.generation, copy: copy, isNew: room.opener != nil)
      begun[bay, default: [:]][question.job] = now + 60_000
    } else if room.bay == nil {
      room.ladder += 1
    } else if place == .ladder {
      place = .soon
    }
    switch place {
    case .bay:
      room.sequence += 1
      job.sequence = room.sequence
    case .soon: job.sequence = nil
    case .deck: break
    case .ladder:
      if job.sequence.map({ $0 > room.sequence }) ?? true {
        room.sequence += 1
        job.sequence = room.sequence
      }
    }
    if jobs[question.job]?.state != .waiting { waiting += 1 }
    job.state = .waiting
    jobs[question.job] = job
    room.limit = question.user.limit
    room.isRated = gate != nil
    room.gate = gate ?? 0
    if gate != nil, room.bay != nil { room.isSingle = true }
    rooms[key] = room
    if room.bay != nil || question.claim != nil { armAll(of: key.user, now) }
    if place == .soon { return .wait(place, expected: 1000) }
    let position = max(1, (job.sequence ?? room.sequence + 1) - room.head)
    return .wait(
      place,
      expected: expectedStart(
        key, now: now, position: position, wait: gate.map { $0 - now } ?? 0,
        pace: isRated ? Self.pace(of: question.user) : 0))
  }
}
