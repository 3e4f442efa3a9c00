import Admission
import Billing
import Contracts

/// Admission's copy of the months, in Redis. Any task.
struct RedisBooks: MonthBooks {
  let desk: AdmissionDesk
  let ledger: any LedgerStore
  let replicas: Replicas

  /// Months of one round trip while all of them are written.
  private static let pageSize = 500

  func book(_ months: [BookedMonth]) async throws {
    try await desk.book(
      months.map { booked in
        AdmissionDesk.MonthBase(
          userID: booked.month.userID, period: booked.month.chargePeriod, row: booked.month.lastRow,
          spent: Spending(booked.month), eventIDs: booked.eventIDs)
      })
  }

  /// The current month and the one before it, in which jobs may still run that began before it turned.
  func catchUp(_ marker: LedgerMarker) async throws {
    // While nobody took them, workers published it again and again.
    guard try await desk.isAwaited(marker) else { return }
    guard try await replicas.pass(marker) else { return try await desk.leaveMarker() }
    let month = try await Month(of: desk.time())
    var last: UserMonth?
    while true {
      let page = try await ledger.months(of: [month.before.period, month.period], after: last, limit: Self.pageSize)
      try await book(page.map { BookedMonth(month: $0, eventIDs: []) })
      last = page.last
      if page.count < Self.pageSize { break }
    }
    _ = try await desk.moneyIsKnown(marker)
  }
}

extension Spending {
  init(_ month: UserMonth) {
    self.init(month.amount, month.units.map { Usage($0.key, $0.value, .measured) }, jobs: month.jobs)
  }
}
