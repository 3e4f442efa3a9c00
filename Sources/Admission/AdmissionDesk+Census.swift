package import Contracts
import Redis

// The fleet as Redis knows it: who works, who waits. What workers say of themselves goes in here, too.

extension AdmissionDesk {
  /// Stores a worker's report under the server's time.
  /// - Returns: runs of it that are to end; they are named each time until `forget` takes them away.
  @discardableResult
  package func report(_ report: WorkerReport) async throws(AdmissionError) -> [StopRequest] {
    let now = try await time()
    let replies = try await send([
      RedisCommand("HSET").arg(keys.workers).arg(report.worker).arg(report.encoded(at: now)),
      RedisCommand("SMEMBERS").arg(keys.cancels(report.worker)),
    ])
    return (replies[1].array ?? []).compactMap { $0.string.flatMap(StopRequest.init(reading:)) }
  }

  /// Takes a worker's report away.
  package func withdraw(_ worker: String) async throws(AdmissionError) {
    _ = try await send([RedisCommand("HDEL").arg(keys.workers).arg(worker)])
  }

  /// One round trip, and cheap enough for every worker every second.
  package func fleetFigures() async throws(AdmissionError) -> FleetFigures {
    let call = call(AdmissionScripts.census, 160)
      .argRunID().arg(configuration.leaseLength.milliseconds).arg(WorkerReport.freshness.milliseconds)
    return try await run([call], FleetFigures.init(reading:))[0]
  }

  /// The copy of a user's entitlement that the workers read; nil takes it away. Waiting jobs of the user are judged
  /// anew at once.
  package func store(_ entitlement: Entitlement?, of user: String) async throws(AdmissionError) {
    let field = Identifier.base64url(user)
    let command =
      if let entitlement {
        RedisCommand("HSET").arg(keys.entitlements).arg(field).arg(entitlement.encoded())
      } else {
        RedisCommand("HDEL").arg(keys.entitlements).arg(field)
      }
    _ = try await send([command])
    _ = try await run([call(AdmissionScripts.wake, 256).arg(field)]) { $0.int }
  }
}

extension FleetFigures {
  /// Now, hold, flags, four counts, four ages, waiting jobs, reports, breakers.
  init?(reading value: RedisValue) {
    guard let parts = value.array, parts.count == 14, let now = parts[0].int, let hold = parts[1].int,
      let flags = parts[2].string
    else { return nil }
    self.init(
      at: Timestamp(milliseconds: now), hold: hold > 0 ? .milliseconds(hold) : nil, isSurveyed: flags.contains("s"),
      isMoneyReady: flags.contains("m"),
      workers: parts[12].pairs.compactMap { worker, report in
        report.bytes.flatMap { WorkerReport(worker: worker, decoding: $0) }
      },
      waiting: [:], heads: Self.byLane(parts[3...6]) { Int($0) },
      providers: BreakerState.all(reading: parts[13], at: Timestamp(milliseconds: now)),
      headAge: Self.byLane(parts[7...10]) { .milliseconds($0) })
    for (name, count) in parts[11].pairs {
      let words = name.split(separator: ":")
      guard words.count == 2, let lane = Lane(rawValue: String(words[0])),
        let reason = WaitReason(rawValue: String(words[1])), let count = count.int
      else { continue }
      waiting[lane, default: [:]][reason] = max(0, Int(count))
    }
  }

  private static func byLane<Figure>(
    _ values: ArraySlice<RedisValue>, _ figure: (Int64) -> Figure
  ) -> [Lane: Figure] {
    Dictionary(uniqueKeysWithValues: zip(Lane.allCases, values.map { figure($0.int ?? 0) }))
  }
}

extension RedisValue {
  /// Fields and values of a hash.
  var pairs: [(name: String, value: RedisValue)] {
    let parts = array ?? []
    return stride(from: 0, to: parts.count - 1, by: 2).compactMap { index in
      parts[index].string.map { ($0, parts[index + 1]) }
    }
  }
}
