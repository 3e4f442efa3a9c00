import Admission
import Billing
import Contracts
import Logging
import Redis

/// Keeps Redis' copy of the assigned tiers, the freeze and the held providers equal to the ledger database's rows, which
/// are the truth. Redis forgets when it restarts without its data; the workers then wait one lease time, and the copy is
/// back before that ends.
struct Entitlements {
  let wires: Wires
  let assignments: Assignments
  let interventions: Interventions

  /// Looks every second whether Redis is still what was last written to; returns when cancelled.
  func keep() async {
    var written: Memory?
    var isOut = false
    while !Task.isCancelled {
      do {
        let memory = try await memory()
        if memory != written {
          let count = try await restore()
          try await interventions.copyFreeze()
          try await interventions.copyHolds()
          wires.logger.info(
            "assigned tiers, freeze and held providers are in Redis", metadata: [LogKey.count: "\(count)"])
          written = try await self.memory()
        }
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          wires.logger.error(
            "assigned tiers, freeze or held providers cannot be copied to Redis", metadata: [LogKey.error: "\(error)"])
        }
        isOut = true
      }
      do { try await Task.sleep(for: .seconds(1)) } catch { return }
    }
  }

  /// Writes every assignment to Redis and returns how many. Reads the rows again until they did not change meanwhile, so that
  /// an older row never stays over a newer one.
  func restore() async throws -> Int {
    var written: [String: Assignment] = [:]
    while true {
      let rows = Dictionary(uniqueKeysWithValues: try await assignments.list().map { ($0.userID, $0) })
      for (user, row) in rows where written[user] != row { try await wires.desk.store(row.entitlement, of: user) }
      for user in written.keys where rows[user] == nil { try await wires.desk.store(nil, of: user) }
      if rows == written { return rows.count }
      written = rows
    }
  }

  /// Tells one memory of Redis from the next: the process; the epoch, which is gone with the data; whether there is
  /// any copy at all.
  private struct Memory: Equatable {
    let runID: String
    let epoch: String?
    let hasCopy: Bool
  }

  private func memory() async throws -> Memory {
    let identity = try await wires.redis.connect()
    let keys = wires.desk.keys
    let epoch = try await wires.redis.command(RedisCommand("GET").arg(keys.epoch)).string
    let copies = try await wires.redis.command(RedisCommand("EXISTS").arg(keys.entitlements)).int
    return Memory(runID: identity.runID, epoch: epoch, hasCopy: copies == 1)
  }
}
