import Contracts
import Redis

extension AdmissionDesk {
  /// How a job stands; nil when Redis does not know it. Changes nothing.
  package func explain(_ job: String) async throws(AdmissionError) -> JobStanding? {
    try await explain([job])[0]
  }

  /// The same of many, in one round trip.
  package func explain(_ jobs: [String]) async throws(AdmissionError) -> [JobStanding?] {
    let calls = jobs.map { job in
      call(AdmissionScripts.explain, 256).argRunID().arg(configuration.leaseLength.milliseconds).arg(job)
    }
    let replies = try await run(calls) { $0.array.map { JobStanding.Reply(parts: $0) } }
    var standings: [JobStanding?] = []
    for reply in replies {
      let standing = reply.isUnknown ? nil : JobStanding(reading: reply)
      guard reply.isUnknown || standing != nil else { throw AdmissionError(script: "explain", reply: .null) }
      standings.append(standing)
    }
    return standings
  }

  /// Of each job a word that is another one when there is something new to be said of it; empty for one that is not
  /// known. One round trip, and much cheaper than `explain`.
  package func glance(at jobs: [String]) async throws(AdmissionError) -> [String] {
    guard !jobs.isEmpty else { return [] }
    // A script holds up everybody else: many of half a millisecond.
    let calls = stride(from: 0, to: jobs.count, by: 20).map { first in
      jobs[first..<min(first + 20, jobs.count)].reduce(call(AdmissionScripts.glance, 2048)) { $0.arg($1) }
    }
    let words = try await run(calls) { $0.array.map { $0.compactMap(\.string) } }.flatMap(\.self)
    guard words.count == jobs.count else { throw AdmissionError(script: "glance", reply: .null) }
    return words
  }

  /// The outputs of jobs, as JSON; nil for those without one, or whose output is not kept any more.
  package func outputs(of jobs: [String]) async throws(AdmissionError) -> [[UInt8]?] {
    guard !jobs.isEmpty else { return [] }
    let command = jobs.reduce(RedisCommand("MGET", capacity: jobs.count * 64 + 32)) { $0.arg(keys.output($1)) }
    let reply = try await send([command])[0]
    guard let values = reply.array, values.count == jobs.count else {
      throw AdmissionError(script: "MGET", reply: reply)
    }
    return values.map(\.bytes)
  }
}

extension JobStanding {
  struct Reply {
    let parts: [RedisValue]

    /// What the door remembers of a job that no worker knows.
    var mark: String? { parts.count == 6 ? parts[5].string : nil }
    var isUnknown: Bool { mark?.isEmpty == true }
  }

  /// The form that the header of `explain.lua` promises; nil for anything else.
  fileprivate init?(reading reply: Reply) {
    let parts = reply.parts
    guard [5, 6, 14].contains(parts.count), let now = parts[0].int, let hold = parts[1].int,
      let flags = parts[2].string
    else { return nil }
    if let text = reply.mark {
      guard let mark = DoorMark(reading: text) else { return nil }
      self.init(at: Timestamp(milliseconds: now), state: .queued, user: mark.userKey)
      self.hold = hold > 0 ? .milliseconds(hold) : nil
      lane = mark.lane
      accepted = mark.acceptedAt
      tier = mark.tier
      return
    }
    let job = Fields(parts[3])
    guard let state = job.string("state").flatMap(Self.state), let user = job.string("user") else { return nil }
    self.init(at: Timestamp(milliseconds: now), state: state, user: user)
    self.hold = hold > 0 ? .milliseconds(hold) : nil
    isSurveyed = flags.contains("s")
    isMoneyReady = flags.contains("m")
    lane = job.string("lane").flatMap(Lane.init(rawValue:))
    run = job.string("run")
    attempt = Int(job.int("attempt") ?? 0)
    since = job.time("since")
    intent = job.bytes("intent")
    month = job.string("month")
    tier = job.string("tier")
    costs = job.costs
    copy = Int(job.int("copy") ?? 0)
    status = job.string("status").flatMap(RunStatus.init(rawValue:))
    result = job.bytes("result")
    files = job.bytes("files")
    breakers = BreakerState.all(reading: parts[4], at: at)
    guard parts.count == 14 else { return }
    active = Int(parts[9].int ?? 0)
    holders = (parts[10].array ?? []).compactMap(Holder.init(reading:))
    month = parts[11].string ?? month
    base = parts[12].string.flatMap(Spending.init(text:))
    open = parts[13].string.flatMap(Spending.init(text:))
    if state == .waiting {
      wait = Wait(job: job, room: Fields(parts[5]), parts, now: now)
      if wait == nil { return nil }
      if wait?.reason == .providerResting { passedOver = job.bytes("trail").map(Self.trail) ?? [] }
    }
  }

  /// Nothing for bytes that `RestingJob` did not write.
  private static func trail(_ bytes: [UInt8]) -> [RouteSkip] {
    do { return try JSONParser.parse(bytes).root.elements.compactMap(RouteSkip.init) } catch { return [] }
  }

  private static func state(_ word: String) -> State? {
    switch word {
    case "queued": .queued
    case "waiting": .waiting
    case "running": .running
    case "done": .done
    default: nil
    }
  }
}

extension JobStanding.Wait {
  /// `parts[6...8]`: place, position, expected start.
  fileprivate init?(job: Fields, room: Fields, _ parts: [RedisValue], now: Int64) {
    guard let reason = job.string("why").flatMap(WaitReason.init(rawValue:)), let position = parts[7].int,
      let expected = parts[8].int
    else { return nil }
    let bay = Int(room.int("bay") ?? 0)
    let place: Place =
      switch parts[6].string {
      case "deck": .deck
      case "bay": .bay(bay)
      case "parking": .parking(bay)
      default: .ladder
      }
    let gate = (room.int("gate") ?? 0) - now
    self.init(
      place: place, reason: reason, since: job.time("at") ?? Timestamp(milliseconds: now), position: Int(position),
      expected: .milliseconds(max(0, expected)), gate: gate > 0 ? .milliseconds(gate) : nil,
      gateReason: gate > 0 ? room.string("why").flatMap(WaitReason.init(rawValue:)) : nil,
      concurrency: room.int("limit").map { Int($0) }, limits: AdmissionLimits(reading: room.string("limits") ?? ""))
    let counts = (job.string("parents") ?? "").split(separator: " ").compactMap { Int($0) }
    if reason == .parents, counts.count == 2 { parents = Parents(succeeded: counts[0], all: counts[1]) }
  }
}

extension JobStanding.Holder {
  /// Lease, milliseconds left, job or '', begin or ''. A lease begins with its worker and a dot; behind that a claim
  /// has `c<number>#<bay>`.
  fileprivate init?(reading value: RedisValue) {
    guard let parts = value.array, parts.count == 4, let lease = parts[0].string, let left = parts[1].int,
      let job = parts[2].string
    else { return nil }
    let words = lease.split(separator: ".", maxSplits: 1)
    self.init(
      worker: words.first.map(String.init) ?? lease,
      isClaim: job.isEmpty && words.count == 2 && words[1].wholeMatch(of: /c[0-9]+#[0-9]+/) != nil,
      job: job.isEmpty ? nil : job, since: parts[3].int.map { Timestamp(milliseconds: $0) }, ends: .milliseconds(left))
  }
}

extension AdmissionLimits {
  /// What `text` writes; a figure that is not there is not limited.
  fileprivate init(reading text: String) {
    self.init()
    let figures = text.split(separator: " ").map { Int64($0) }
    func figure(_ index: Int, _ unit: Int64 = 1) -> Int? {
      figures.count > index ? figures[index].map { Int($0 / unit) } : nil
    }
    perMinute = figure(0)
    perSecond = figure(1).map { Int((1_000_000 / Double(max(1, $0))).rounded()) }
    burst = figure(2)
    monthlyCap = figure(3).map { Money(nanoUSD: Int64($0)) }
    tokens = figure(4)
    audioSeconds = figure(5, 1000)
    videoMinutes = figure(6, 60_000)
    jobs = figure(7)
  }
}

/// The fields of a hash.
private struct Fields {
  private let values: [String: RedisValue]

  init(_ reply: RedisValue) { values = Dictionary(reply.pairs, uniquingKeysWith: { first, _ in first }) }

  func string(_ name: String) -> String? { values[name]?.string }
  func int(_ name: String) -> Int64? { values[name]?.int }
  func bytes(_ name: String) -> [UInt8]? { values[name]?.bytes }
  func time(_ name: String) -> Timestamp? { int(name).map { Timestamp(milliseconds: $0) } }

  /// In the order of the attempts.
  var costs: [[UInt8]] {
    values.compactMap { name, value in
      name.hasPrefix("cost:") ? Int(name.dropFirst(5)).flatMap { n in value.bytes.map { (n, $0) } } : nil
    }
    .sorted { $0.0 < $1.0 }.map(\.1)
  }
}
