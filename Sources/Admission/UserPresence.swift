package import Contracts
import Redis

/// How many jobs of one user are there.
package struct UserPresence: Sendable, Equatable {
  /// Leases and claims that are alive.
  package var running: Int
  /// Wherever they do that; lanes without any are left out. Those that no worker has looked at are not among them.
  package var waiting: [Lane: Int]

  package init(running: Int, waiting: [Lane: Int]) {
    self.running = running
    self.waiting = waiting
  }
}

extension AdmissionDesk {
  /// - Parameter now: by the server's clock.
  package func presence(of user: String, at now: Timestamp) async throws(AdmissionError) -> UserPresence {
    let user = Identifier.base64url(user)
    let replies = try await send([
      RedisCommand("ZCOUNT").arg(keys.leases(user)).arg("(\(now.milliseconds)").arg("+inf"),
      Lane.allCases.reduce(RedisCommand("HMGET").arg(keys.user(user))) { $0.arg("waiting:\($1.rawValue)") },
    ])
    let counts = zip(Lane.allCases, replies[1].array ?? []).map { lane, reply in
      (lane, reply.string.flatMap { Int($0) } ?? 0)
    }
    return UserPresence(
      running: replies[0].int.map { Int($0) } ?? 0,
      waiting: Dictionary(uniqueKeysWithValues: counts.filter { $0.1 > 0 }))
  }
}
