import Admission
import Billing
import Contracts
import Lanes
import Logging
import Operations
import Redis

/// Keeps Redis' copy of the assigned tiers, the freeze, the held providers and the API keys equal to the ledger
/// database's rows, which are the truth. Redis forgets when it restarts without its data; workers and gateways then wait
/// one lease time, and the copy is back before that ends.
struct Entitlements {
  let wires: Wires
  let assignments: Assignments
  let interventions: Interventions
  let keys: KeyCopy

  /// A command that made or revoked a key may have failed before Redis knew of it.
  private static let keyInterval: Duration = .seconds(30)

  /// Looks every second whether Redis is still what was last written to; returns when cancelled.
  func keep() async {
    var written: Memory?
    var keysCopied: ContinuousClock.Instant?
    var isNoted = false
    var isOut = false
    while !Task.isCancelled {
      do {
        let memory = try await memory()
        let isNew = memory != written
        if isNew {
          let count = try await restore()
          try await interventions.copyFreeze()
          try await interventions.copyHolds()
          wires.logger.info(
            "assigned tiers, freeze and held providers are in Redis", metadata: [LogKey.count: "\(count)"])
        }
        if isNew || keysCopied.map({ .now - $0 > Self.keyInterval }) ?? true {
          let count = try await keys.restore()
          if isNew { wires.logger.info("API keys are in Redis", metadata: [LogKey.count: "\(count)"]) }
          keysCopied = .now
          if count > 0, !isNoted { isNoted = await note() }
        }
        if isNew { written = try await self.memory() }
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          wires.logger.error(
            "assigned tiers, freeze, held providers or API keys cannot be copied to Redis",
            metadata: [LogKey.error: "\(error)"])
        }
        isOut = true
      }
      do { try await Task.sleep(for: .seconds(1)) } catch { return }
    }
  }

  /// A ledger may have come to a broker that knows nothing of its keys. False when that cannot be told yet.
  private func note() async -> Bool {
    do {
      try await wires.broker.noteKeys()
      return true
    } catch {
      wires.logger.error("the broker cannot be told that there are API keys", metadata: [LogKey.error: "\(error)"])
      return false
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

  /// Tells one memory of Redis from the next: the process; the epoch, which is gone with the data; how many of the copies
  /// are there.
  private struct Memory: Equatable {
    let runID: String
    let epoch: String?
    let copies: Int64?
  }

  private func memory() async throws -> Memory {
    let identity = try await wires.redis.connect()
    let keys = wires.desk.keys
    let epoch = try await wires.redis.command(RedisCommand("GET").arg(keys.epoch)).string
    let copies = try await wires.redis.command(RedisCommand("EXISTS").arg(keys.entitlements).arg(keys.apiKeys)).int
    return Memory(runID: identity.runID, epoch: epoch, copies: copies)
  }
}
