package import Contracts
import Redis

/// How many jobs of one user are there.
package struct UserPresence: Sendable, Equatable {
  /// Leases and claims that are alive.
  package var running: Int
  /// In the user's bays; lanes without any are left out. Who waits on the delay ladder is not among them.
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
    var commands = [RedisCommand("ZCOUNT").arg(keys.leases(user)).arg("(\(now.milliseconds)").arg("+inf")]
    for lane in Lane.allCases { commands.append(RedisCommand("HGET").arg(keys.room(lane, user)).arg("n")) }
    let replies = try await send(commands)
    let counts = zip(Lane.allCases, replies.dropFirst()).map { lane, reply in
      (lane, reply.string.flatMap { Int($0) } ?? 0)
    }
    return UserPresence(
      running: replies[0].int.map { Int($0) } ?? 0,
      waiting: Dictionary(uniqueKeysWithValues: counts.filter { $0.1 > 0 }))
  }
}
