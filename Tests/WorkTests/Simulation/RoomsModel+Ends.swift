import Contracts

extension RoomsModel {
  enum Ending {
    /// `next`: the lane in which a waiting job of the same user can run now.
    case finished(next: Lane?)
    case superseded
    /// Without a lease: it had ended before, or another delivery runs.
    case known
    case running(milliseconds: Int)
  }

  mutating func finish(_ job: Int, of user: Int, lease: LeaseID?, at micros: Int) -> Ending {
    let now = micros / 1000
    let record = jobs[job] ?? Job()
    if let lease {
      users[user].leases[lease] = nil
      if record.lease != lease {
        passOn(user, now)
        return .superseded
      }
      if record.state == .done { return .finished(next: nil) }
    } else if record.state == .done {
      return .known
    } else if record.state == .running, let holder = record.lease {
      return .running(milliseconds: max(0, (users[user].leases[holder] ?? 0) - now))
    }
    if jobs[job]?.state == .waiting { waiting -= 1 }
    jobs[job, default: Job()].state = .done
    ended += 1
    guard !users[user].rooms.isEmpty else { return .finished(next: nil) }
    if lease != nil {
      let length = Double(now - record.since)
      users[user].length = (users[user].length ?? length) * 0.9 + length * 0.1
    }
    passOn(user, now)
    let next = Lane.allCases.first { lane in
      users[user].rooms.contains(lane) && due[lane.rank][user].map { $0 <= now } ?? false
    }
    return .finished(next: next)
  }

  enum Cancelling {
    case ended
    /// Its worker is told.
    case stopping
    /// Nobody runs it: who asks ends it.
    case yours
  }

  mutating func cancel(_ job: Int) -> Cancelling {
    guard jobs[job]?.state != .done else { return .ended }
    // It came in at the door, and no worker has looked at it.
    if jobs[job] == nil { jobs[job] = Job(state: .queued) }
    jobs[job]?.isCancelled = true
    return jobs[job]?.state == .running ? .stopping : .yours
  }

  mutating func renew(_ job: Int, of user: Int, lease: LeaseID, at micros: Int) {
    guard let record = jobs[job], record.state == .running, record.lease == lease else { return }
    users[user].leases[lease] = micros / 1000 + Self.leaseLength
  }

  mutating func declareUnknown(_ job: Int, of user: Int, attempt: Int, at micros: Int) {
    let now = micros / 1000
    guard let record = jobs[job], record.state == .running, record.attempt == attempt, let lease = record.lease,
      (users[user].leases[lease] ?? 0) <= now
    else { return }
    users[user].leases[lease] = nil
    jobs[job]?.lease = nil
    jobs[job]?.state = .queued
    passOn(user, now)
  }
}
