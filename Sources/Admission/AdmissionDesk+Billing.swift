package import Contracts
import Redis

// What billing tells admission and asks it: the months' sums, which events are in them, which are still open.

extension AdmissionDesk {
  /// A month of a user as the ledger has it.
  package struct MonthBase: Sendable, Hashable {
    package var userID: String
    /// `2026-11`.
    package var period: String
    /// Number of its last row: sums of an older one are not taken over.
    package var row: Int64
    package var spent: Spending
    /// Events that are in the sums, so that what they hold open is given up.
    package var eventIDs: [String]

    package init(userID: String, period: String, row: Int64, spent: Spending, eventIDs: [String]) {
      self.userID = userID
      self.period = period
      self.row = row
      self.spent = spent
      self.eventIDs = eventIDs
    }
  }

  /// Each month at once, all in one round trip.
  package func book(_ months: [MonthBase]) async throws(AdmissionError) {
    let calls = months.map { month in
      var call = RedisScriptCall(
        AdmissionScripts.book, keys: [keys.prefix], capacity: 192 + month.eventIDs.reduce(0) { $0 + $1.utf8.count + 16 }
      )
      .arg(Identifier.base64url(month.userID)).arg(month.period).arg(month.row).arg(month.spent.text)
      for id in month.eventIDs { call = call.arg(id) }
      return call
    }
    _ = try await run(calls) { $0.int }
  }

  /// The ledger has all that was spent before this epoch. False: another one is in force.
  package func moneyIsKnown(_ marker: LedgerMarker) async throws(AdmissionError) -> Bool {
    let call = RedisScriptCall(AdmissionScripts.moneyEpoch, keys: [keys.prefix]).arg(marker.epoch)
    return try await run([call]) { $0.int.map { $0 == 1 } }[0]
  }

  /// What a month's limits are compared with: what the ledger has, and what is reserved or spent beyond that.
  package func standing(
    of user: String, period: String
  ) async throws(AdmissionError) -> (base: Spending, open: Spending) {
    let standing = try await standings(of: [(user, period)])[0]
    return (standing.base, standing.open)
  }

  /// The same of many, in one round trip, with the number of the row that `base` was last told with: 0 for a month that
  /// is not known.
  package func standings(
    of months: [(user: String, period: String)]
  ) async throws(AdmissionError) -> [(row: Int64, base: Spending, open: Spending)] {
    let commands = months.map { user, period in
      RedisCommand("HMGET").arg(keys.money(Identifier.base64url(user))).arg("\(period):row").arg("\(period):base")
        .arg("\(period):open")
    }
    return try await send(commands).map { reply in
      let figures = reply.array ?? []
      func text(_ index: Int) -> String? { figures.count > index ? figures[index].string : nil }
      func spending(_ index: Int) -> Spending { text(index).flatMap { Spending(text: $0) } ?? Spending() }
      return (text(0).flatMap { Int64($0) } ?? 0, spending(1), spending(2))
    }
  }

  /// Whether somebody waits for this marker: it is of the epoch in force, and what was spent is not known to that yet.
  package func isAwaited(_ marker: LedgerMarker) async throws(AdmissionError) -> Bool {
    let reply = try await send([RedisCommand("MGET").arg(keys.epoch).arg(keys.moneyReady)])[0].array ?? []
    return reply.count == 2 && reply[0].string == marker.epoch && reply[1].string != marker.epoch
  }

  /// The server's clock, by which months turn.
  package func time() async throws(AdmissionError) -> Timestamp {
    try Timestamp(readingTIME: try await send([RedisCommand("TIME")])[0])
  }

  /// Shows the ids of events that are spent and still open, a few hundred at a time, some of them perhaps twice. One
  /// that comes or goes meanwhile may be missed.
  package func settledOpen(_ each: ([String]) async throws -> Void) async throws {
    var cursor = "0"
    repeat {
      let page = try await scan(
        RedisCommand("SCAN").arg(cursor).arg("MATCH").arg(keys.open("*")).arg("COUNT").arg(1000))
      for user in page.values {
        guard let key = user.bytes else { continue }
        var place = "0"
        repeat {
          let entries = try await scan(RedisCommand("HSCAN").arg(key).arg(place).arg("COUNT").arg(200))
          let ids = stride(from: 0, to: entries.values.count - 1, by: 2).compactMap { index in
            entries.values[index + 1].string?.hasSuffix(" 1") == true ? entries.values[index].string : nil
          }
          if !ids.isEmpty { try await each(ids) }
          place = entries.next
        } while place != "0"
      }
      cursor = page.next
    } while cursor != "0"
  }

  /// Keeps the role of releasing blocked jobs for a while. False: another process has it.
  package func holdRelease(_ process: String, for time: Duration) async throws(AdmissionError) -> Bool {
    let call = RedisScriptCall(AdmissionScripts.holdLock, keys: [keys.prefix]).arg("release_lock").arg(process)
      .arg(time.milliseconds)
    return try await run([call]) { $0.int.map { $0 == 1 } }[0]
  }

  /// The month whose turn has released the blocked jobs of those before it; nil if none is known.
  package func releasedMonth() async throws(AdmissionError) -> String? {
    try await send([RedisCommand("GET").arg(keys.prefix + "released")])[0].string
  }

  package func setReleasedMonth(_ period: String) async throws(AdmissionError) {
    _ = try await send([RedisCommand("SET").arg(keys.prefix + "released").arg(period)])
  }

  private func scan(_ command: RedisCommand) async throws(AdmissionError) -> (next: String, values: [RedisValue]) {
    let reply = try await send([command])[0]
    guard let parts = reply.array, parts.count == 2, let next = parts[0].string, let values = parts[1].array else {
      throw AdmissionError(script: "SCAN", reply: reply)
    }
    return (next, values)
  }
}
