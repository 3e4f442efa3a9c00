package import Contracts
package import Logging
import Synchronization

/// The processes that book from one queue together. A marker says that everything which came before it is in the ledger;
/// the process that meets it knows that of itself only, so it waits here until each of the others has settled what it
/// had in hand at that time. One object in each process; safe to share.
package final class Replicas: Sendable {
  /// What this process has in hand, by the rounds of its reader: in each it takes all that was delivered, and settles it.
  private struct Rounds {
    var begun: Int64 = 0
    var isWaiting = true
  }

  /// What the last beat has found.
  private struct Found {
    /// The newest marker that anybody has met.
    var marker: Int64
    var lag: Duration
  }

  private let ledger: Ledger
  private let process: String
  private let lag: @Sendable () -> Duration
  private let logger: Logger
  private let rounds = Mutex(Rounds())
  private let passed = Mutex<Int64>(0)
  private let others = Mutex(Duration.zero)

  private static let interval: Duration = .seconds(1)
  /// A process that was not heard of for so long is gone, and the broker has delivered what it had to others: it takes
  /// messages back after two heartbeats of 15 s at the latest. The rest is for clocks that differ.
  private static let lifetime: Duration = .seconds(45)
  /// How long the lag of a process counts that says nothing more: what it had is somebody else's soon, who says how old it
  /// is.
  private static let freshness: Duration = .seconds(5)
  /// How long it is remembered that a process has gone with something in hand.
  private static let memory: Duration = .seconds(3600)

  /// - Parameters:
  ///   - process: names it among the others.
  ///   - lag: how late this process books.
  package init(of ledger: Ledger, process: String, lag: @escaping @Sendable () -> Duration, logger: Logger) {
    self.ledger = ledger
    self.process = process
    self.lag = lag
    self.logger = logger
  }

  /// Told by the reader when all that it took is settled and it waits for more, and when it has taken that.
  package func waits() { rounds.withLock { $0.isWaiting = true } }

  package func took() {
    rounds.withLock { rounds in
      rounds.isWaiting = false
      rounds.begun += 1
    }
  }

  /// How late the slowest of the others books; while this process cannot be counted in, how long it has waited for that.
  package var lagOfOthers: Duration { others.withLock { $0 } }

  /// Does something that takes messages from the queue, once this process is counted in, and says once a second meanwhile
  /// that it lives and how far it has come. Returns when that has ended, which it does when the task is cancelled.
  package func attend(_ work: @escaping @Sendable () async -> Void) async {
    guard await join() else { return }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.keepBeating() }
      await work()
      group.cancelAll()
    }
    // In a task of its own: this one is cancelled.
    await Task { await leave() }.value
  }

  /// False when cancelled before.
  private func join() async -> Bool {
    let begin = ContinuousClock.now
    var isOut = false
    while !Task.isCancelled {
      if await beat(&isOut) != nil { return true }
      others.withLock { $0 = .now - begin }
      do { try await Task.sleep(for: Self.interval) } catch { break }
    }
    return false
  }

  private func keepBeating() async {
    var seen: (marker: Int64, begun: Int64, last: Rounds)?
    var isOut = false
    while !Task.isCancelled {
      let now = rounds.withLock { $0 }
      // What was delivered before the marker was seen is settled: two rounds have begun since, or nothing has come from
      // one look to the next.
      if let earlier = seen {
        let isIdle = now.isWaiting && earlier.last.isWaiting && now.begun == earlier.last.begun
        if isIdle || now.begun >= earlier.begun + 2 {
          passed.withLock { $0 = max($0, earlier.marker) }
          seen = nil
        } else {
          seen?.last = now
        }
      }
      let newest = await beat(&isOut)?.marker ?? 0
      if seen == nil, newest > passed.withLock({ $0 }) {
        let rounds = rounds.withLock { $0 }
        seen = (newest, rounds.begun, rounds)
      }
      do { try await Task.sleep(for: Self.interval) } catch { break }
    }
  }

  /// Called by the reader with everything before the marker settled. Returns when the others have come as far. False:
  /// one of them is gone, and what it had in hand comes again behind this marker; another has to be published.
  package func pass(_ marker: LedgerMarker) async throws -> Bool {
    let number = try await meet(marker)
    passed.withLock { $0 = max($0, number) }
    while true {
      let behind = try await othersBehind(number)
      if behind.isEmpty { return true }
      if behind.contains(false) {
        try await forgetGone(behind: number)
        return false
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  /// Nil when the ledger cannot be written, which is logged once.
  private func beat(_ isOut: inout Bool) async -> Found? {
    do throws(LedgerError) {
      let found = try await beat()
      others.withLock { $0 = found.lag }
      isOut = false
      return found
    } catch {
      if !isOut, !Task.isCancelled {
        logger.error("this process cannot say that it books", metadata: [LogKey.error: "\(error)"])
      }
      isOut = true
      return nil
    }
  }

  private func beat() async throws(LedgerError) -> Found {
    let now = ledger.now()
    let values: [SQLValue] = [
      .text(process), SQLValue(now + Self.lifetime), .integer(passed.withLock { $0 }), .integer(lag().milliseconds),
    ]
    return try await ledger.database.write { [process] session in
      try session.execute(
        """
        INSERT INTO replica (process, alive_until, passed, lag_ms) VALUES (?, ?, ?, ?)
        ON CONFLICT (process) DO UPDATE SET alive_until = excluded.alive_until, passed = excluded.passed,
          lag_ms = excluded.lag_ms
        """, values)
      try session.execute("DELETE FROM replica WHERE alive_until <= ?", [SQLValue(now - Self.memory)])
      let row = try session.row(
        """
        SELECT (SELECT coalesce(max(number), 0) FROM marker) AS newest, coalesce(max(lag_ms), 0) AS lag
        FROM replica WHERE process <> ? AND alive_until > ?
        """, [.text(process), SQLValue(now + (Self.lifetime - Self.freshness))])
      return Found(marker: try row?.integer("newest") ?? 0, lag: .milliseconds(try row?.integer("lag") ?? 0))
    }
  }

  /// Who leaves with something in hand is left to be found gone.
  private func leave() async {
    guard rounds.withLock({ $0.isWaiting }) else { return }
    do throws(LedgerError) {
      try await ledger.database.write { [process] session in
        _ = try session.execute("DELETE FROM replica WHERE process = ?", [.text(process)])
      }
    } catch {
      logger.debug("this process is counted in for a while after its end", metadata: [LogKey.error: "\(error)"])
    }
  }

  /// A number of its own for each time: that the others were as far when the same marker was met before says nothing of
  /// what they were given since.
  private func meet(_ marker: LedgerMarker) async throws(LedgerError) -> Int64 {
    try await ledger.database.write { session in
      let row = try session.row("INSERT INTO marker (epoch) VALUES (?) RETURNING number", [.text(marker.epoch)])
      let number = try row?.integer("number") ?? 0
      try session.execute("DELETE FROM marker WHERE number < ?", [.integer(number)])
      return number
    }
  }

  /// Whether each of the others that are not as far lives.
  private func othersBehind(_ number: Int64) async throws(LedgerError) -> [Bool] {
    let now = ledger.now().description
    return try await ledger.database.read { [process] session in
      try session.rows(
        "SELECT alive_until FROM replica WHERE process <> ? AND passed < ?", [.text(process), .integer(number)]
      ).map { try $0.text("alive_until") > now }
    }
  }

  private func forgetGone(behind number: Int64) async throws(LedgerError) {
    let now = SQLValue(ledger.now())
    try await ledger.database.write { [process] session in
      _ = try session.execute(
        "DELETE FROM replica WHERE process <> ? AND passed < ? AND alive_until <= ?",
        [.text(process), .integer(number), now])
    }
  }
}

extension Timestamp {
  fileprivate static func + (time: Timestamp, length: Duration) -> Timestamp {
    Timestamp(milliseconds: time.milliseconds + length.milliseconds)
  }

  fileprivate static func - (time: Timestamp, length: Duration) -> Timestamp { time + (.zero - length) }
}
