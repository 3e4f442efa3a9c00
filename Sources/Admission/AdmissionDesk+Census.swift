package import Contracts
import Redis

// What the fleet looks like from Redis: who works, who waits.

extension AdmissionDesk {
  /// Stores a worker's report under the server's time.
  package func report(_ report: WorkerReport) async throws(AdmissionError) {
    let now = try await serverTime()
    _ = try await send([RedisCommand("HSET").arg(keys.workers).arg(report.worker).arg(report.encoded(at: now))])
  }

  package struct Census: Sendable {
    package var workers: [WorkerReport]
    /// Jobs over their limit, by lane.
    package var waiting: [Lane: Int]
  }

  package func census() async throws(AdmissionError) -> Census {
    let now = try await serverTime()
    let replies = try await send(
      [RedisCommand("HGETALL").arg(keys.workers)]
        + Lane.allCases.map { RedisCommand("ZCARD").arg(keys.waiting($0)) })
    let pairs = replies[0].array ?? []
    var census = Census(workers: [], waiting: [:])
    for index in stride(from: 0, to: pairs.count - 1, by: 2) {
      guard let worker = pairs[index].string, let bytes = pairs[index + 1].bytes else { continue }
      if let report = WorkerReport(worker: worker, decoding: bytes, now: now) { census.workers.append(report) }
    }
    for (lane, reply) in zip(Lane.allCases, replies.dropFirst()) { census.waiting[lane] = Int(reply.int ?? 0) }
    return census
  }

  /// The copy of a user's entitlement that the workers read; nil takes it away.
  package func store(_ entitlement: Entitlement?, of user: String) async throws(AdmissionError) {
    let field = Identifier.base64url(user)
    let command =
      if let entitlement {
        RedisCommand("HSET").arg(keys.entitlements).arg(field).arg(entitlement.encoded())
      } else {
        RedisCommand("HDEL").arg(keys.entitlements).arg(field)
      }
    _ = try await send([command])
  }

  private func serverTime() async throws(AdmissionError) -> Timestamp {
    let reply = try await send([RedisCommand("TIME")])[0].array ?? []
    guard reply.count == 2, let seconds = reply[0].int, let microseconds = reply[1].int else {
      return Timestamp(milliseconds: 0)
    }
    return Timestamp(milliseconds: seconds * 1000 + microseconds / 1000)
  }
}
