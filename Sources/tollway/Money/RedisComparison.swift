import Admission
import Billing
import Contracts
import Work

/// What Redis has of the months, against the ledger.
struct RedisComparison {
  struct Difference: Encodable, Equatable {
    let user, month, ledgerUsd, redisUsd, openUsd, why: String
    /// Whether it goes by itself.
    let passes: Bool
  }

  let ledger: Ledger
  let desk: AdmissionDesk

  private static let page = 500

  /// Of the present and the last month.
  func differences(at now: Timestamp) async throws -> [Difference] {
    let month = Month(of: now)
    var found: [Difference] = []
    var last: UserMonth?
    while true {
      let page = try await ledger.months(of: [month.before.period, month.period], after: last, limit: Self.page)
      guard !page.isEmpty else { break }
      let standings = try await desk.standings(of: page.map { ($0.userID, $0.chargePeriod) })
      for (month, standing) in zip(page, standings) {
        // Where something was booked in between, the ledger is asked again.
        let isNewer = standing.row > month.lastRow
        let asked = isNewer ? try await ledger.userMonth(of: month.userID, period: month.chargePeriod) : month
        if let difference = Self.difference(asked ?? month, standing) { found.append(difference) }
      }
      last = page.last
      if page.count < Self.page { break }
    }
    return found + (try await stuck())
  }

  /// Nil where they say the same.
  static func difference(
    _ month: UserMonth, _ standing: (row: Int64, base: Spending, open: Spending)
  ) -> Difference? {
    let expected = Spending(month)
    let why: String
    let passes: Bool
    if standing.row == 0 {
      (why, passes) = ("Redis does not know the month: nothing of the user was judged since it lost its memory", true)
    } else if standing.row < month.lastRow {
      (why, passes) = ("Redis is behind by rows \(standing.row) to \(month.lastRow): billing has yet to tell it", true)
    } else if standing.row > month.lastRow {
      (why, passes) = (
        "Redis knows a later row than this ledger has: it belongs to another ledger, or this is a copy", false
      )
    } else if standing.base != expected {
      (why, passes) = (
        "the same row, other sums: somebody else wrote there. The next event of the user puts it right", false
      )
    } else {
      return nil
    }
    return Difference(
      user: month.userID, month: month.chargePeriod, ledgerUsd: month.amount.description,
      redisUsd: Money(nanoUSD: standing.base.nanoUSD).description,
      openUsd: Money(nanoUSD: standing.open.nanoUSD).description, why: why, passes: passes)
  }

  /// What is held open for events that are booked.
  private func stuck() async throws -> [Difference] {
    var found: [Difference] = []
    try await desk.settledOpen { ids in
      for booked in try await ledger.booked(ids) {
        found.append(
          Difference(
            user: booked.month.userID, month: booked.month.chargePeriod, ledgerUsd: booked.month.amount.description,
            redisUsd: "-", openUsd: "-",
            why:
              "\(booked.eventIDs.count) events are open though they are booked: billing gives them up within a minute",
            passes: true))
      }
    }
    return found
  }
}
