package import Contracts
import Redis

extension AdmissionDesk {
  /// All that a wave of jobs is planned with, read in one round trip.
  package struct Outlook: Sendable {
    /// The stored entitlement of each job's user (as `Entitlement` encodes it), nil for those without any.
    package var rows: [[UInt8]?]
    /// What does not serve, by scope.
    package var breakers: [String: BreakerState]
    /// By the server's clock.
    package var now: Timestamp
    /// Id of the freeze in force, `AdmissionDesk.noFreeze` while none is; nil when Redis does not know, as after a
    /// loss: then what held before holds on.
    package var freeze: String?
  }

  package func outlook(of jobs: [Job]) async throws(AdmissionError) -> Outlook {
    var rows = RedisCommand("HMGET", capacity: jobs.count * 32 + 96).arg(keys.entitlements).arg(Self.freezeField)
    for job in jobs { rows = rows.arg(job.userKey) }
    let replies = try await send([rows, RedisCommand("HGETALL").arg(keys.breakers), RedisCommand("TIME")])
    guard let values = replies[0].array, values.count == jobs.count + 1 else {
      throw AdmissionError(script: "outlook", reply: replies[0])
    }
    let now = try Timestamp(readingTIME: replies[2])
    return Outlook(
      rows: values.dropFirst().map(\.bytes), breakers: BreakerState.all(reading: replies[1], at: now), now: now,
      freeze: values[0].string)
  }
}

extension Timestamp {
  /// Seconds and microseconds.
  init(readingTIME reply: RedisValue) throws(AdmissionError) {
    guard let parts = reply.array, parts.count == 2, let seconds = parts[0].int, let micros = parts[1].int else {
      throw AdmissionError(script: "TIME", reply: reply)
    }
    self.init(milliseconds: seconds * 1000 + micros / 1000)
  }
}
