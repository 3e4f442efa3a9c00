package import Contracts
import Redis

extension AdmissionDesk {
  /// What is kept so long of a job that may not have reached the broker: its sender tries again, or not.
  private static let doubt: Duration = .seconds(60)

  /// What one call of the script may weigh: it holds up everything else of the fleet, for about 30 us a request.
  private static let doorLoad = 64

  /// Asks for many requests at once, in their order; what one takes of its user's windows the next does not find.
  package func askDoor(_ requests: [DoorRequest]) async throws(AdmissionError) -> [DoorAnswer] {
    let batches = Self.loads(of: requests)
    let answers: [[DoorAnswer]] = try await run(batches.map(doorCall)) { reply in
      guard let values = reply.array else { return nil }
      let answers = values.compactMap(DoorAnswer.init(reading:))
      return answers.count == values.count ? answers : nil
    }
    for (batch, answers) in zip(batches, answers) where batch.count != answers.count {
      throw AdmissionError(script: "door", reply: .integer(Int64(answers.count)))
    }
    return answers.flatMap(\.self)
  }

  private static func loads(of requests: [DoorRequest]) -> [ArraySlice<DoorRequest>] {
    var loads: [ArraySlice<DoorRequest>] = []
    var (start, load) = (0, 0)
    for (index, request) in requests.enumerated() {
      let weight = 1 + request.job.after.count / 8
      if load + weight > doorLoad, index > start {
        loads.append(requests[start..<index])
        (start, load) = (index, 0)
      }
      load += weight
    }
    if start < requests.count { loads.append(requests[start...]) }
    return loads
  }

  private func doorCall(_ requests: ArraySlice<DoorRequest>) -> RedisScriptCall {
    let capacity = requests.reduce(256) { $0 + 384 + $1.job.after.count * 64 }
    var call = call(AdmissionScripts.door, capacity)
      .argRunID().arg(configuration.leaseLength.milliseconds).arg(configuration.stateTTL.milliseconds)
    for request in requests {
      let job = request.job
      call = call.arg(job.userKey).arg(job.id).arg(job.digest).arg(request.lane.rawValue)
        .arg(Int64(request.concurrency)).arg(request.limits.text).arg(request.spends).arg(request.tier)
        .arg(request.jobs.first?.id ?? "").arg(request.jobs.first?.digest ?? "").arg(Int64(job.after.count))
      for parent in job.after { call = call.arg(parent) }
    }
    return call
  }

  /// Makes known what comes in with a request that the door let through, as the door does it for the request's own job.
  package func expect(
    _ jobs: [Job], lane: Lane, tier: String, at time: Timestamp
  ) async throws(AdmissionError) {
    let life = configuration.stateTTL.milliseconds
    _ = try await send(
      jobs.map { job in
        let text = "\(job.userKey) \(job.digest) \(lane.rawValue) \(time.milliseconds) \(tier)"
        return RedisCommand("SET", capacity: 256).arg(mark(of: job.id)).arg(text).arg("NX").arg("PX").arg(life)
      })
  }

  /// Says of jobs that were let in that the broker may not have them: they are soon not known any more.
  /// - Parameter request: with which they came in.
  package func doubt(_ jobs: [String], of request: String? = nil) async throws(AdmissionError) {
    let marks = jobs.map(mark(of:)) + (request.map { [mark(ofRequest: $0)] } ?? [])
    _ = try await send(
      marks.map { RedisCommand("PEXPIRE", capacity: 192).arg($0).arg(Self.doubt.milliseconds) })
  }

  /// Says of a request for many jobs that the broker has all of them: it is known when it comes again.
  /// - Parameter job: stood for it at the door.
  package func confirm(request job: Job) async throws(AdmissionError) {
    _ = try await send([
      RedisCommand("SET", capacity: 256).arg(mark(ofRequest: job.id)).arg("\(job.userKey) \(job.digest) sent")
        .arg("XX").arg("PX").arg(configuration.stateTTL.milliseconds)
    ])
  }

  package func holders(of ids: [String]) async throws(AdmissionError) -> [JobIDHolder] {
    guard !ids.isEmpty else { return [] }
    let replies = try await send(
      ids.flatMap { [RedisCommand("GET").arg(mark(of: $0)), RedisCommand("HGET").arg(keys.job($0)).arg("digest")] })
    return ids.indices.map { index in
      if let digest = replies[index * 2 + 1].string { return .known(digest: digest) }
      return replies[index * 2].string.flatMap(DoorMark.init(reading:)).map(JobIDHolder.accepted) ?? .nobody
    }
  }

  /// Holds what `door.lua` remembers of a job until a worker knows it.
  private func mark(of job: String) -> String { keys.prefix + "door:job:" + job }
  private func mark(ofRequest id: String) -> String { keys.prefix + "door:request:" + id }

  /// The entitlements of users, as `Entitlement` encodes them; nil for those without any.
  package func entitlements(of users: [String]) async throws(AdmissionError) -> [[UInt8]?] {
    guard !users.isEmpty else { return [] }
    var command = RedisCommand("HMGET", capacity: users.count * 32 + 64).arg(keys.entitlements)
    for user in users { command = command.arg(Identifier.base64url(user)) }
    let reply = try await send([command])[0]
    guard let values = reply.array, values.count == users.count else {
      throw AdmissionError(script: "entitlements", reply: reply)
    }
    return values.map(\.bytes)
  }
}

extension DoorAnswer {
  /// The forms that the header of `door.lua` promises; nil for anything else.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, let word = parts.first?.string else { return nil }
    switch (word, parts.count) {
    case ("pass", 5):
      guard let place = DoorPlace(reading: parts), let windows = DoorWindows(reading: parts[4]) else { return nil }
      self = .pass(place, windows)
    case ("known", 4):
      guard let place = DoorPlace(reading: parts) else { return nil }
      self = .known(place)
    case ("conflict", _): self = .conflict
    case ("rate", 3):
      guard let time = parts[1].int, let windows = DoorWindows(reading: parts[2]) else { return nil }
      self = .rate(.milliseconds(time), windows)
    case ("used_up", 4):
      guard let limit = parts[1].string.flatMap(MonthlyLimit.init(rawValue:)), let now = parts[2].int,
        let windows = DoorWindows(reading: parts[3])
      else { return nil }
      self = .usedUp(limit, at: Timestamp(milliseconds: now), windows)
    case ("hold", 2):
      guard let time = parts[1].int else { return nil }
      self = .hold(.milliseconds(time))
    default: return nil
    }
  }
}

extension DoorPlace {
  fileprivate init?(reading parts: [RedisValue]) {
    guard let now = parts[1].int, let position = parts[2].int, let start = parts[3].int else { return nil }
    self.init(
      at: Timestamp(milliseconds: now), position: Int(position), start: start < 0 ? nil : .milliseconds(start))
  }
}

extension DoorWindows {
  fileprivate init?(reading value: RedisValue) {
    guard let figures = value.array?.compactMap(\.int), figures.count == 4 else { return nil }
    func window(_ index: Int) -> Window? {
      figures[index] < 0 ? nil : Window(left: Int(figures[index]), next: .milliseconds(max(0, figures[index + 1])))
    }
    self.init(minute: window(0), bucket: window(2))
  }
}
