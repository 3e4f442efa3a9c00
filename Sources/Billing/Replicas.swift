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

  private let ledger: Ledger
  private let process: String
  private let logger: Logger
  private let rounds = Mutex(Rounds())
  private let passed = Mutex<Int64>(0)

  private static let interval: Duration = .seconds(1)
  /// A process that was not heard of for so long is gone, and the broker has delivered what it had to others.
  private static let lifetime: Duration = .seconds(15)

  /// - Parameter process: names it among the others.
  package init(of ledger: Ledger, process: String, logger: Logger) {
    self.ledger = ledger
    self.process = process
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

  /// Says once a second that this process lives and how far it has come, until cancelled; then that it is gone.
  package func run() async {
    var seen: (marker: Int64, rounds: Rounds)?
    var isOut = false
    while !Task.isCancelled {
      let now = rounds.withLock { $0 }
      // What was delivered before the marker was seen is settled: two rounds have begun since, or none did and none is
      // under way.
      if let earlier = seen,
        now.begun >= earlier.rounds.begun + 2 || (now.isWaiting && now.begun == earlier.rounds.begun)
      {
        passed.withLock { $0 = max($0, earlier.marker) }
        seen = nil
      }
      do throws(LedgerError) {
        let newest = try await beat()
        if seen == nil, newest > passed.withLock({ $0 }) { seen = (newest, rounds.withLock { $0 }) }
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          logger.error("this process cannot say that it books", metadata: [LogKey.error: "\(error)"])
        }
        isOut = true
      }
      do { try await Task.sleep(for: Self.interval) } catch { break }
    }
    // In a task of its own: this one is cancelled.
    await Task { await leave() }.value
  }

  /// Called by the reader with everything before the marker settled. Returns when the others have come as far.
  package func pass(_ marker: LedgerMarker) async throws {
    let number = try await number(of: marker)
    passed.withLock { $0 = max($0, number) }
    while try await othersBehind(number) > 0 { try await Task.sleep(for: .milliseconds(200)) }
  }

  /// Answers the newest marker.
  private func beat() async throws(LedgerError) -> Int64 {
    let until = Timestamp(milliseconds: ledger.now().milliseconds + Self.lifetime.milliseconds)
    let reached = passed.withLock { $0 }
    return try await ledger.database.write { [process] session in
      try session.execute(
        """
        INSERT INTO replica (process, alive_until, passed) VALUES (?, ?, ?)
        ON CONFLICT (process) DO UPDATE SET alive_until = excluded.alive_until, passed = excluded.passed
        """,
        [.text(process), SQLValue(until), .integer(reached)])
      return try session.row("SELECT coalesce(max(number), 0) AS newest FROM marker", [])?.integer("newest") ?? 0
    }
  }

  private func leave() async {
    do throws(LedgerError) {
      try await ledger.database.write { [process] session in
        _ = try session.execute("DELETE FROM replica WHERE process = ?", [.text(process)])
      }
    } catch {
      logger.debug("this process is counted in for a while after its end", metadata: [LogKey.error: "\(error)"])
    }
  }

  private func number(of marker: LedgerMarker) async throws(LedgerError) -> Int64 {
    try await ledger.database.write { session in
      try session.execute("INSERT INTO marker (epoch) VALUES (?) ON CONFLICT DO NOTHING", [.text(marker.epoch)])
      let row = try session.row("SELECT number FROM marker WHERE epoch = ?", [.text(marker.epoch)])
      return try row?.integer("number") ?? 0
    }
  }

  private func othersBehind(_ number: Int64) async throws(LedgerError) -> Int {
    let now = SQLValue(ledger.now())
    return try await ledger.database.read { [process] session in
      let row = try session.row(
        "SELECT count(*) AS behind FROM replica WHERE process <> ? AND passed < ? AND alive_until > ?",
        [.text(process), .integer(number), now])
      return try row?.int("behind") ?? 0
    }
  }
}
