import Contracts
import Redis

// What the console keeps for a while: who is signed in, how often somebody tried, and plans that nobody confirmed yet. If
// Redis loses them, people sign in again.

extension AdmissionKeys {
  /// - Parameter digest: SHA-256 of the session's token, in hexadecimal digits.
  func session(_ digest: String) -> String { prefix + "session:" + digest }
  func signIns(_ address: String) -> String { prefix + "sign_ins:" + address }
  func plan(_ id: String) -> String { prefix + "plan:" + id }
  /// There once a plan is carried out.
  func planTaken(_ id: String) -> String { prefix + "plan_taken:" + id }
}

extension AdmissionDesk {
  /// - Parameter key: id of the API key that was shown.
  package func openSession(_ digest: String, key: String, lasting: Duration) async throws(AdmissionError) {
    _ = try await send([
      RedisCommand("SET").arg(keys.session(digest)).arg(key).arg("PX").arg(lasting.milliseconds)
    ])
  }

  /// The keys' ids; nil for sessions that are over.
  package func sessions(_ digests: [String]) async throws(AdmissionError) -> [String?] {
    try await send(digests.map { RedisCommand("GET").arg(keys.session($0)) }).map(\.string)
  }

  package func closeSession(_ digest: String) async throws(AdmissionError) {
    _ = try await send([RedisCommand("DEL").arg(keys.session(digest))])
  }

  /// Counts a failed attempt to sign in and answers how many there were in this window, which begins with the first one.
  package func countSignIn(from address: String, window: Duration) async throws(AdmissionError) -> Int {
    let key = keys.signIns(address)
    let replies = try await send([
      RedisCommand("SET").arg(key).arg(0).arg("PX").arg(window.milliseconds).arg("NX"),
      RedisCommand("INCR").arg(key),
    ])
    return Int(replies[1].int ?? 0)
  }

  package func keepPlan(_ id: String, _ bytes: [UInt8], lasting: Duration) async throws(AdmissionError) {
    _ = try await send([
      RedisCommand("SET", capacity: bytes.count + 128).arg(keys.plan(id)).arg(bytes).arg("PX")
        .arg(lasting.milliseconds)
    ])
  }

  /// Nil for one that is unknown or too old. `isTaken`: it was carried out.
  package func plan(_ id: String) async throws(AdmissionError) -> (bytes: [UInt8], isTaken: Bool)? {
    let replies = try await send([
      RedisCommand("GET").arg(keys.plan(id)), RedisCommand("EXISTS").arg(keys.planTaken(id)),
    ])
    return replies[0].bytes.map { ($0, replies[1].int == 1) }
  }

  /// True for the first one who asks.
  /// - Parameter lasting: as long as the plan at least.
  package func takePlan(_ id: String, lasting: Duration) async throws(AdmissionError) -> Bool {
    let reply = try await send([
      RedisCommand("SET").arg(keys.planTaken(id)).arg("1").arg("PX").arg(lasting.milliseconds).arg("NX")
    ])
    return reply[0].string == "OK"
  }
}
